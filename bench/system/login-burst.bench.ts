/**
 * What a burst of log-ins does to everybody else: the p99 of puts at 30 % of the closed-loop peak, open loop, with and
 * without a burst of 1,000 log-ins in the measured time.
 *
 *   npm run build && node dist/bench/system/login-burst.bench.js [--seconds 8] [--rounds 3] [--kind etcd]
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient } from '../../test/support/etcd-client.js'
import { AuthClient } from '../../test/auth/auth-client.js'
import { runLoad } from '../../src/ctl/load/grpc-load.js'
import { OpenLoop, type OpenLoopResult } from '../support/open-loop.js'
import { ServerUnderLoad } from '../../src/ctl/load/server-under-load.js'
import { H2Client } from '../../src/ctl/load/h2-client.js'
import { puts } from '../../src/ctl/load/kv-requests.js'
import { encodeAuthenticateRequest } from '../../src/proto/generated/etcdserverpb.js'

const PORT = 24_140
const LOGINS = 1000
const USERS = 100
const SHARE_OF_PEAK = 0.3
const CONNECTIONS = 8
const LOGIN_MS_MAX = 120_000

const { values: options } = scriptOptions({
  does: 'What a burst of 1,000 log-ins does to everybody else: p99 of puts at 30 % of the peak, with and without it.',
  options: {
    seconds: { type: 'number', default: 8, min: 1, text: 'measured each time' },
    rounds: { type: 'count', default: 3, min: 1, text: 'of each kind of burst' },
    kind: { type: 'text', choices: ['raftring', 'etcd'], default: 'raftring', text: 'the server' },
  },
})
const durationMs = options.seconds * 1000
const generator = puts({ prefix: 'bench/', keys: 100_000, valueBytes: 256 })

interface Burst {
  readonly name: string
  readonly login: (i: number) => { readonly name: string; readonly password: string }
}

const BURSTS: readonly Burst[] = [
  { name: 'one user, right password', login: () => ({ name: 'root', password: 'rootpw' }) },
  { name: `${USERS} users, right passwords`, login: (i) => ({ name: `u${i % USERS}`, password: `pw${i % USERS}` }) },
  { name: `one user, ${LOGINS} wrong passwords`, login: (i) => ({ name: 'root', password: `wrong ${i}` }) },
]

async function main(): Promise<void> {
  const { kind } = options
  const server = await ServerUnderLoad.start({ kind, port: PORT, cores: null })
  const client = new EtcdClient(`127.0.0.1:${PORT}`, { deadlineMs: LOGIN_MS_MAX })
  try {
    const load = { port: PORT, clients: 256, connections: CONNECTIONS, generator, durationMs: 4000 }
    const { perSecond: peak } = await runLoad(load)
    const perSecond = Math.floor(peak * SHARE_OF_PEAK)
    console.log(`${kind}: peak ${peak.toFixed(0)} puts/s, open loop ${perSecond} puts/s`)
    const token = await prepare(new AuthClient(client))
    for (const burst of BURSTS) {
      const ratios: number[] = []
      for (let round = 0; round < options.rounds; round++) {
        const quiet = await measure(token, perSecond, null)
        const noisy = await measure(token, perSecond, burst)
        ratios.push(noisy.p99Us / quiet.p99Us)
        console.log(`  ${burst.name}: without ${text(quiet)} | with ${text(noisy)}`)
      }
      const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? NaN
      console.log(`${burst.name}: p99 ${median.toFixed(2)}x (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`)
    }
  } finally {
    client.close()
    await server.stop()
  }
}

/** Users, and the token that the puts are made with. */
async function prepare(auth: AuthClient): Promise<string> {
  await auth.addUser({ name: 'root', password: 'rootpw' })
  await auth.grantRole('root', 'root')
  for (let i = 0; i < USERS; i++) await auth.addUser({ name: `u${i}`, password: `pw${i}` })
  await auth.enable()
  return auth.authenticate('root', 'rootpw')
}

async function measure(token: string, perSecond: number, burst: Burst | null): Promise<OpenLoopResult> {
  const metadata = [['token', token]] as const
  const loop = await OpenLoop.start({ port: PORT, generator, perSecond, connections: CONNECTIONS, metadata })
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const measured = loop.measure(durationMs)
  const logins = burst === null ? null : logIn(burst)
  const result = await measured
  loop.stop()
  if (logins !== null) console.log(`  ${await logins}`)
  return result
}

/**
 * All log-ins at once. They share the thread that times the puts, so they go out on the lean client: a general one
 * would hold that thread for longer than the server takes for them.
 */
async function logIn({ login }: Burst): Promise<string> {
  const startedMs = performance.now()
  const outcomes = new Map<number, number>()
  let ended = 0
  let client: H2Client | undefined
  await new Promise<void>((resolve, reject) => {
    const onEnd = (_: number, status: number): void => {
      outcomes.set(status, (outcomes.get(status) ?? 0) + 1)
      if (++ended === LOGINS) resolve()
    }
    const events = { onMessage: () => undefined, onEnd, onClosed: (reason: string) => reject(new Error(reason)) }
    H2Client.connect('127.0.0.1', PORT, events).then((opened) => {
      client = opened
      for (let i = 0; i < LOGINS; i++) {
        const message = encodeAuthenticateRequest(login(i))
        client.call(i, '/etcdserverpb.Auth/Authenticate', message, message.length)
      }
      client.flush()
    }, reject)
  })
  client?.close()
  const counts = [...outcomes].map(([status, count]) => `${count} with status ${status}`).join(', ')
  return `${LOGINS} log-ins in ${Math.round(performance.now() - startedMs)} ms: ${counts}`
}

function text({ p50Us, p99Us, p999Us, count, errors, firstError }: OpenLoopResult): string {
  const failures = errors > 0 ? `, ${errors} errors: ${firstError}` : ''
  return `p50 ${p50Us} p99 ${p99Us} p99.9 ${p999Us} us of ${count}${failures}`
}

await main()
