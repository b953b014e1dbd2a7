/**
 * What a small unary call costs the front's transport: a server that answers at once, driven over loopback.
 * Microseconds of CPU per call, of the server by its own process and of the load generator by its thread.
 * Run: node dist/bench/front/unary-echo.bench.js
 */

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { machineFacts } from '../ring/machine-facts.js'
import { echoes } from '../support/echo-requests.js'
import { runLoad } from '../../src/ctl/load/grpc-load.js'

scriptOptions({ does: 'What a small unary call costs the transport of a front.' })

const PORT = 20_400
const WARMUP_MS = 700
const DURATION_MS = 1300

interface Meters {
  readonly user: number
  readonly system: number
}

const SHAPES: readonly { readonly clients: number; readonly connections: number; readonly bytes: number }[] = [
  { clients: 1, connections: 1, bytes: 100 },
  { clients: 64, connections: 1, bytes: 100 },
  { clients: 256, connections: 8, bytes: 100 },
  { clients: 256, connections: 8, bytes: 4096 },
]

async function meters(server: ChildProcess): Promise<Meters> {
  server.send('meters')
  const [answer] = (await once(server, 'message')) as [Meters]
  return answer
}

async function main(): Promise<void> {
  process.stdout.write(`${machineFacts()}\n`)
  process.stdout.write('clients  connections  bytes   calls/s   p50 us   p99 us   server us (user + system)')
  process.stdout.write('   load us\n')
  const script = fileURLToPath(new URL('./unary-echo-server.js', import.meta.url))
  const server = fork(script, [String(PORT)], { stdio: 'inherit' })
  await once(server, 'message')
  for (const { clients, connections, bytes } of SHAPES) {
    let before: Promise<Meters> | null = null
    let after: Promise<Meters> | null = null
    const result = await runLoad({
      port: PORT,
      clients,
      connections,
      generator: echoes({ method: '/echo.Echo/Unary', bytes }),
      warmupMs: WARMUP_MS,
      durationMs: DURATION_MS,
      onMeasure: () => (before = meters(server)),
      onMeasured: () => (after = meters(server)),
    })
    const [from, to] = (await Promise.all([before, after])) as unknown as [Meters, Meters]
    const user = (to.user - from.user) / result.count
    const system = (to.system - from.system) / result.count
    if (result.errors > 0) throw new Error(`${result.errors} errors, first: ${result.firstError}`)
    process.stdout.write(
      [
        String(clients).padStart(7),
        String(connections).padStart(13),
        String(bytes).padStart(7),
        result.perSecond.toFixed(0).padStart(10),
        result.p50Us.toFixed(0).padStart(9),
        result.p99Us.toFixed(0).padStart(9),
        `${(user + system).toFixed(2)} (${user.toFixed(2)} + ${system.toFixed(2)})`.padStart(27),
        result.clientCpuUs.toFixed(2).padStart(10),
      ].join('') + '\n',
    )
  }
  server.kill()
}

await main()
