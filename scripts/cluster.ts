/**
 * A cluster on this machine, to try things out on: `npm run cluster`. Members infra1, infra2, ... serve clients on
 * 2379, 22379, 32379 and so on, as in etcd's Procfile. What is typed kills, pauses and starts members one by one.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from './support/script-options.js'

const SERVER = fileURLToPath(import.meta.resolve('#main'))
const TOKEN = 'etcd-cluster-1'
const COLOURS = [36, 33, 35, 32, 34]
const SIZE_MAX = COLOURS.length
const STOP_MS_MAX = 15_000

const USAGE = `npm run cluster -- [options] [-- flags of every member]
  --size N        how many members, 1 to ${SIZE_MAX} (3)
  --data-dir DIR  where their data goes; kept from one run to the next (./cluster.raftring)`

const HELP = `type:  kill 2    ends infra2 at once, as kill -9 does
       pause 2   stops its process where it stands; resume 2 lets it go on
       stop 2    ends it as an operator would
       start 2   starts it again with the data that it has
       quit      ends all (Ctrl-C does too)`

class LocalMember {
  readonly name: string
  readonly clientUrl: string
  readonly #number: number
  readonly #flags: readonly string[]
  #process: ChildProcess | null = null

  constructor(number: number, options: { dataDir: string; initialCluster: string; flags: readonly string[] }) {
    this.name = nameOf(number)
    this.clientUrl = urlOf(number, 2379)
    this.#number = number
    const peerUrl = peerUrlOf(number)
    this.#flags = [
      '--name', this.name,
      '--data-dir', `${options.dataDir}/${this.name}`,
      '--listen-client-urls', this.clientUrl,
      '--advertise-client-urls', this.clientUrl,
      '--listen-peer-urls', peerUrl,
      '--initial-advertise-peer-urls', peerUrl,
      '--initial-cluster-token', TOKEN,
      '--initial-cluster', options.initialCluster,
      '--initial-cluster-state', 'new',
      ...options.flags,
    ]
  }

  get isRunning(): boolean {
    return this.#process !== null
  }

  start(): void {
    if (this.#process !== null) return say(`${this.name} is running`)
    const child = spawn(process.execPath, [SERVER, ...this.#flags], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        console.log(`${coloured(this.#number, this.name)} | ${line}`)
      })
    }
    child.once('error', (error) => say(`${this.name} cannot be started: ${error.message}`))
    child.once('close', (code, signal) => {
      this.#process = null
      say(`${this.name} has ended (${signal ?? `exit code ${code}`}); "start ${this.#number}" starts it again`)
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#process === null) say(`${this.name} is not running`)
    else this.#process.kill(signal)
  }

  /** Resolves when its process has ended. */
  async end(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    // One that is paused could not hear the request.
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(late)
  }
}

function main(): void {
  const { values, words } = scriptOptions({
    does: 'A cluster on this machine, to try things out on.',
    usage: USAGE,
    words: { names: '[-- FLAGS]' },
    options: {
      size: { type: 'count', default: 3, min: 1, max: SIZE_MAX },
      'data-dir': { type: 'text', default: 'cluster.raftring' },
    },
  })
  const { size, 'data-dir': dataDir } = values
  const numbers = Array.from({ length: size }, (_, i) => i + 1)
  const initialCluster = numbers.map((number) => `${nameOf(number)}=${peerUrlOf(number)}`).join(',')
  const options = { dataDir, initialCluster, flags: words }
  const members = numbers.map((number) => new LocalMember(number, options))
  say(`${size} members, data in ${dataDir}\n${HELP}`)
  const endpoints = members.map(({ clientUrl }) => clientUrl).join(',')
  say(`try:  etcdctl --endpoints=${endpoints} endpoint status -w table`)
  for (const member of members) member.start()
  let isEnding = false
  const quit = async (): Promise<void> => {
    if (isEnding) return
    isEnding = true
    await Promise.all(members.map((member) => member.end()))
    process.exit(0)
  }
  process.on('SIGINT', () => void quit())
  process.on('SIGTERM', () => void quit())
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    const [verb = '', number = ''] = line.trim().split(/\s+/)
    if (verb === 'quit') return void quit()
    if (verb !== '') act(verb, members[Number(number.replace('infra', '')) - 1])
  })
}

function act(verb: string, member: LocalMember | undefined): void {
  const signals: Readonly<Record<string, NodeJS.Signals>> = {
    kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT', stop: 'SIGTERM',
  }
  const signal = signals[verb]
  if (member === undefined || (signal === undefined && verb !== 'start')) say(HELP)
  else if (signal === undefined) member.start()
  else member.signal(signal)
}

function nameOf(number: number): string {
  return `infra${number}`
}

/** 2379 and 12380 for the first, as in etcd's Procfile, and 10,000 more for each that follows. */
function urlOf(number: number, first: number): string {
  return `http://127.0.0.1:${first + (number === 1 ? 0 : number * 10_000)}`
}

function peerUrlOf(number: number): string {
  return `http://127.0.0.1:${2380 + number * 10_000}`
}

function coloured(number: number, text: string): string {
  return process.stdout.isTTY ? `\u001B[${COLOURS[number - 1]}m${text}\u001B[0m` : text
}

function say(text: string): void {
  console.log(text.replace(/^/gm, '--- '))
}

main()
