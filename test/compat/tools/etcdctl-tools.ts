/**
 * etcdctl's commands that run for a while: mirrors from either server to the other, and its checks of performance and
 * size. The checks take a minute; `ONLY=mirror` runs the mirrors alone.
 */

import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import { EtcdClient, prefixEnd } from '../../support/etcd-client.js'
import { Report } from '../../support/report.js'
import { ServerProcess, type ServerKind } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PORTS: Readonly<Record<ServerKind, number>> = { raftring: 21_700, etcd: 21_710 }
const KINDS = ['raftring', 'etcd'] as const
const WAIT_MS_MAX = 20_000

type Clients = Readonly<Record<ServerKind, EtcdClient>>

/** etcdctl against one server; what it printed and its exit code, once it ends or `until` holds. */
async function etcdctl(
  kind: ServerKind,
  args: readonly string[],
  until?: () => Promise<boolean>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const endpoint = `--endpoints=127.0.0.1:${PORTS[kind]}`
  const child = spawn('etcdctl', [endpoint, ...args], { env: { ...process.env, ETCDCTL_API: '3' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close') as Promise<[number | null]>
  if (until !== undefined) {
    const deadline = performance.now() + WAIT_MS_MAX
    while (!(await until()) && child.exitCode === null && performance.now() < deadline);
    child.kill('SIGINT')
  }
  const [code] = await closed
  return { code, output }
}

async function pairsOf(client: EtcdClient, prefix: string): Promise<string[]> {
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  return kvs.map(({ key, value }) => `${key.toString().slice(prefix.length)}=${value.toString()}`)
}

/** Everything from before, and every put and delete from then on, arrives below the other prefix. */
async function mirror(clients: Clients, from: ServerKind, to: ServerKind): Promise<void> {
  const [source, target] = [clients[from], clients[to]]
  const [here, there] = [`${from}-to-${to}/`, `copy-of-${from}-to-${to}/`]
  for (let i = 0; i < 100; i++) await source.put({ key: `${here}${i}`, value: `old ${i}` })
  let hasChanged = false
  const flags = ['make-mirror', `127.0.0.1:${PORTS[to]}`, `--prefix=${here}`, `--dest-prefix=${there}`]
  const { output } = await etcdctl(from, flags, async () => {
    const copied = await pairsOf(target, there)
    if (!hasChanged && copied.length === 100) {
      hasChanged = true
      for (let i = 0; i < 100; i += 2) await source.put({ key: `${here}${i}`, value: `new ${i}` })
      await source.deleteRange({ key: `${here}9`, rangeEnd: prefixEnd(`${here}9`) })
    }
    return hasChanged && String(copied) === String(await pairsOf(source, here))
  })
  const expected = await pairsOf(source, here)
  assert.equal(expected.length, 89, output)
  assert.deepEqual(await pairsOf(target, there), expected, output)
}

/** Numbers and bars away: what is left says whether it passed, and of what it speaks. */
function verdicts(output: string): string[] {
  // etcdctl may write the first of them behind its bar.
  const found = output.split(/[\r\n]+/u).flatMap((line) => /(?:PASS|FAIL).*$/u.exec(line)?.[0] ?? [])
  return found.map((line) => line.replaceAll(/[\d.]+/gu, 'N')).toSorted()
}

async function checkAlike(args: readonly string[], verdictsMin: number): Promise<void> {
  const [ours, theirs] = await Promise.all(KINDS.map((kind) => etcdctl(kind, args)))
  assert.ok(ours !== undefined && theirs !== undefined)
  console.log(`${args.join(' ')}\nraftring: ${lastLines(ours.output)}\netcd:     ${lastLines(theirs.output)}`)
  assert.equal(ours.code, 0, ours.output)
  assert.ok(verdicts(ours.output).length >= verdictsMin, ours.output)
  assert.ok(!verdicts(ours.output).some((line) => line.startsWith('FAIL')), ours.output)
  // etcd shares the machine with us here; only what it speaks of is compared, not how it fared.
  const topics = (output: string): string[] => verdicts(output).map((line) => line.replace(/^(PASS|FAIL): /u, ''))
  assert.deepEqual(topics(ours.output), topics(theirs.output))
}

function lastLines(output: string): string {
  return output.split(/[\r\n]+/u).filter((line) => line !== '').slice(-4).join(' | ')
}

const directory = temporaryDirectory()
const servers: ServerProcess[] = []
scriptOptions({ does: 'The commands of etcdctl that run for a while; ONLY=mirror runs the mirrors alone.' })
const report = new Report()
try {
  for (const kind of KINDS) {
    const clientPort = PORTS[kind]
    const dataDir = directory.path(kind)
    servers.push(await ServerProcess.start({ kind, dataDir, clientPort, peerPort: clientPort + 1 }))
  }
  const clients = {
    raftring: new EtcdClient(`127.0.0.1:${PORTS.raftring}`),
    etcd: new EtcdClient(`127.0.0.1:${PORTS.etcd}`),
  }
  for (const [from, to] of [['raftring', 'etcd'], ['etcd', 'raftring'], ['raftring', 'raftring']] as const) {
    await report.check(`a mirror from ${from} to ${to}`, () => mirror(clients, from, to))
  }
  await report.check('check datascale', () => checkAlike(['check', 'datascale', '--load=s'], 1))
  await report.check('check perf', () => checkAlike(['check', 'perf', '--load=s'], 4))
  clients.raftring.close()
  clients.etcd.close()
} finally {
  for (const server of servers) await server.kill()
  directory.remove()
}
report.end()
