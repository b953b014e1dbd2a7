/** Runs etcdctl against one server and reduces what it printed to what may be compared. */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { CtlCommand } from './etcdctl-command.js'

export interface CtlResult {
  readonly exit: number | string
  readonly stdout: string
  readonly stderr: string
}

/** The exit of a background command that did not print as much as the table says. */
export const TOO_FEW_LINES = 'too few lines'

const COMMAND_MS_MAX = 15_000
const WAKE_INTERVAL_MS = 50

export class EtcdctlRunner {
  readonly #port: number
  readonly #leases = new Map<string, bigint>()
  /** When each lease was last known to have its whole time before it. */
  readonly #wholeAtMs = new Map<string, number>()

  constructor(port: number) {
    this.#port = port
  }

  /** Makes `{name}` in later commands stand for this lease. */
  nameLease(name: string, id: bigint): void {
    this.#leases.set(name, id)
    this.#wholeAtMs.set(name, performance.now())
  }

  async run(command: CtlCommand): Promise<CtlResult> {
    const startedMs = performance.now()
    const raw =
      command.lines === undefined
        ? await this.#runToEnd(command)
        : await this.#runUntilLines(command)
    if (command.grants !== undefined) this.#learnLease(command.grants, raw.stdout.toString('utf8'))
    const renewed = /^lease keep-alive \{(\w+)\}/u.exec(command.args)?.[1]
    if (renewed !== undefined) this.#wholeAtMs.set(renewed, performance.now())
    const stdout = this.#normalise(command.args, printable(raw.stdout))
    const asked = /^lease timetolive \{(\w+)\}/u.exec(command.args)?.[1]
    const spentMs = startedMs - (this.#wholeAtMs.get(asked ?? '') ?? startedMs)
    return {
      exit: raw.exit,
      stdout: asked === undefined ? stdout : maskRemaining(stdout, spentMs / 1000),
      stderr: this.#normalise(command.args, printable(raw.stderr)),
    }
  }

  async #runToEnd(command: CtlCommand): Promise<RawResult> {
    const child = this.#spawn(command.args)
    const output = collect(child)
    child.stdin?.end(command.stdin ?? '')
    return await finish(child, output)
  }

  async #runUntilLines(command: CtlCommand): Promise<RawResult> {
    const child = this.#spawn(command.args)
    const output = collect(child)
    child.stdin?.write(command.stdin ?? '')
    if (command.wake !== undefined) await this.#wakeAndFeed(command, child, output)
    const wanted = command.lines ?? 0
    await output.until((stdout) => countLines(stdout) >= wanted, child)
    child.kill(command.signal ?? 'SIGINT')
    const raw = await finish(child, output)
    // The exit status after our own interrupt says nothing about the server.
    const exit = countLines(raw.stdout) < wanted ? TOO_FEW_LINES : 'interrupted'
    return { ...raw, exit, stdout: firstLines(raw.stdout, wanted) }
  }

  /** Puts the wake key until the watch answers, then feeds; what the wakes caused is dropped. */
  async #wakeAndFeed(command: CtlCommand, child: ChildProcess, output: Collected): Promise<void> {
    const deadline = Date.now() + COMMAND_MS_MAX
    while (output.stdout().length === 0 && child.exitCode === null && Date.now() < deadline) {
      await this.#runToEnd({ args: `put ${command.wake} wake` })
      await output.changed(WAKE_INTERVAL_MS)
    }
    // A last wake of its own value: everything up to its line belongs to the waking.
    await this.#runToEnd({ args: `put ${command.wake} awake` })
    await output.until((stdout) => stdout.includes('\nawake\n'), child)
    output.drop(output.stdout().indexOf('\nawake\n') + '\nawake\n'.length)
    for (const args of command.feed ?? []) await this.#runToEnd({ args })
  }

  #spawn(args: string): ChildProcess {
    const words = split(args).map((word) =>
      word.replace(/\{(\w+)\}/gu, (_, name: string) =>
        BigInt.asUintN(64, this.#leases.get(name) ?? 0n).toString(16),
      ),
    )
    const env = { ...process.env, ETCDCTL_API: '3' }
    const child = spawn(
      process.env['ETCDCTL'] ?? 'etcdctl',
      [`--endpoints=127.0.0.1:${this.#port}`, ...words],
      { env },
    )
    // A command that does not read its input ends before we have written it; that is no failure.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
    return child
  }

  #learnLease(name: string, stdout: string): void {
    const decimal = /"ID"\s*:\s*(\d+)/u.exec(stdout)?.[1]
    const hex = /^lease ([0-9a-f]+) granted/u.exec(stdout)?.[1]
    if (decimal !== undefined) this.nameLease(name, BigInt(decimal))
    else if (hex !== undefined) this.nameLease(name, BigInt(`0x${hex}`))
  }

  #normalise(args: string, printed: string): string {
    let text = printed
      .replaceAll(`${this.#port}`, 'PORT')
      .replaceAll(Buffer.from(`${this.#port}`).toString('hex'), Buffer.from('PORT').toString('hex'))
    for (const [name, id] of this.#leases) {
      if (!name.startsWith('L')) continue
      text = text
        .replaceAll(id.toString(16).padStart(16, '0'), `{${name}}`)
        .replaceAll(id.toString(), `{${name}}`)
    }
    text = text
      .replace(/"ts":"[^"]*"/gu, '"ts":"TIME"')
      .replace(/client-[0-9a-f-]{36}/gu, 'client-UUID')
      .replace(/(took = |"took":"?|\| +(?=[0-9.]+(?:µs|ms|s) ))[0-9.]+(µs|ms|s)/gu, '$1TOOK')
    if (/^(lock|elect|get ctl-)/u.test(args)) text = text.replace(/\/[0-9a-f]{13,16}$/gmu, '/LEASE')
    if (args.startsWith('get ctl-')) text = text.replace(/^"(Revision|RaftTerm)" : .*$/gmu, '"$1" : ANY')
    if (args.startsWith('endpoint status')) text = maskSizes(text)
    if (args.startsWith('lease list')) text = sortLeases(text)
    if (args.includes('-w table')) text = text.replace(/-{3,}/gu, '---').replace(/ {2,}/gu, ' ')
    return text
  }
}

interface RawResult {
  readonly exit: number | string
  readonly stdout: Buffer
  readonly stderr: Buffer
}

interface Collected {
  stdout(): Buffer
  stderr(): Buffer
  drop(bytes: number): void
  /** Resolves on the next output, or after the bound. */
  changed(timeoutMs: number): Promise<void>
  until(enough: (stdout: Buffer) => boolean, child: ChildProcess): Promise<void>
}

function collect(child: ChildProcess): Collected {
  let stdout = Buffer.alloc(0)
  let stderr = Buffer.alloc(0)
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout = Buffer.concat([stdout, chunk])
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk])
  })
  const changed = async (timeoutMs: number): Promise<void> => {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), timeoutMs)
    const waits = [
      once(child.stdout as NodeJS.ReadableStream, 'data', { signal: abort.signal }),
      once(child, 'close', { signal: abort.signal }),
    ]
    await Promise.race(waits).catch(() => undefined)
    clearTimeout(timer)
    abort.abort()
    await Promise.allSettled(waits)
  }
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    drop: (bytes) => {
      stdout = stdout.subarray(bytes)
    },
    changed,
    until: async (enough, process) => {
      const deadline = Date.now() + COMMAND_MS_MAX
      while (!enough(stdout) && process.exitCode === null && Date.now() < deadline) {
        await changed(deadline - Date.now())
      }
    },
  }
}

async function finish(child: ChildProcess, output: Collected): Promise<RawResult> {
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS_MAX)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  clearTimeout(timer)
  return {
    exit: child.exitCode ?? child.signalCode ?? 'none',
    stdout: output.stdout(),
    stderr: output.stderr(),
  }
}

function split(args: string): string[] {
  return [...args.matchAll(/'([^']*)'|(\S+)/gu)].map((match) => match[1] ?? match[2] ?? '')
}

/** Text as it is, binary as hex, very long output by its length and digest-like ends. */
function printable(bytes: Buffer): string {
  const decoded = bytes.toString('utf8')
  const isText = !decoded.includes('\uFFFD') && !/[\u0000-\u0008\u000e-\u001f]/u.test(decoded)
  const whole = isText ? decoded : `hex:${bytes.toString('hex')}`
  return whole.length <= 20_000
    ? whole
    : `${whole.slice(0, 500)}...${whole.length}...${whole.slice(-500)}`
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (const byte of bytes) if (byte === 10) count++
  return count
}

function firstLines(bytes: Buffer, count: number): Buffer {
  let seen = 0
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] === 10 && ++seen === count) return bytes.subarray(0, i + 1)
  return bytes
}

/** Sizes and raft positions depend on the engine; that they are there and above zero does not. */
function maskSizes(text: string): string {
  return text
    .replace(/(db_?size(?:inuse)?|raft(?:applied)?index)("?\s*:\s*)([1-9]\d*)/giu, '$1$2ABOVE-ZERO')
    .replace(/[1-9][0-9.]* [kMG]?B/gu, 'SIZE')
    .replace(
      /((?:true|false), (?:true|false), \d+, )[1-9]\d*, [1-9]\d*/u,
      '$1ABOVE-ZERO, ABOVE-ZERO',
    )
    .replace(
      /(\|\s+(?:true|false) \|\s+\d+ \|)\s+[1-9]\d* \|\s+[1-9]\d* \|/u,
      '$1 ABOVE-ZERO | ABOVE-ZERO |',
    )
}

const REMAINING_SECONDS_SPREAD = 2

/**
 * The remaining time is a clock's business: it must lie within two seconds below the granted time less what was spent.
 */
function maskRemaining(text: string, spent: number): string {
  const isDue = (granted: string, left: string): boolean => {
    const below = Number(granted) - spent - Number(left)
    return below >= 0 && below <= REMAINING_SECONDS_SPREAD
  }
  return sortKeys(text)
    .replace(/TTL\((\d+)s\), remaining\((\d+)s\)/u, (whole, granted: string, left: string) =>
      isDue(granted, left) ? `TTL(${granted}s), remaining(DUE)` : whole,
    )
    .replace(/"ttl":(\d+),"granted-ttl":(\d+)/u, (whole, left: string, granted: string) =>
      isDue(granted, left) ? `"ttl":DUE,"granted-ttl":${granted}` : whole,
    )
    .replace(/"TTL" : (\d+)\n"GrantedTTL" : (\d+)/u, (whole, left: string, granted: string) =>
      isDue(granted, left) ? `"TTL" : DUE\n"GrantedTTL" : ${granted}` : whole,
    )
}

/** Attached keys come in no particular order. */
function sortKeys(text: string): string {
  return text
    .replace(
      /attached keys\(\[([^\]]*)\]\)/u,
      (_, keys: string) => `attached keys([${keys.split(' ').sort().join(' ')}])`,
    )
    .replace(
      /"keys":\[([^\]]*)\]/u,
      (_, keys: string) => `"keys":[${keys.split(',').sort().join(',')}]`,
    )
    .replace(/(?:"Key" : .*\n)+/u, (lines) => `${lines.trimEnd().split('\n').sort().join('\n')}\n`)
}

/** Leases are listed by remaining time; those of one age may come in any order. */
function sortLeases(text: string): string {
  if (text.startsWith('{')) {
    return text.replace(
      /"leases":\[([^\]]*)\]/u,
      (_, list: string) => `"leases":[${list.split(',').sort().join(',')}]`,
    )
  }
  return text.split('\n').sort().join('\n')
}
