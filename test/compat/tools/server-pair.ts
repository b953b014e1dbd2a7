/** A fresh etcd and a fresh raftring side by side, with the same ids. `--self` compares etcd with etcd. */

import { Report } from '../../support/report.js'
import { ServerProcess, type ServerKind } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const ADVERTISED_PEER_PORT = 21_019

/** What every script that compares a pair may be given. */
export const PAIR_OPTIONS = {
  self: { type: 'switch', text: 'compares etcd with etcd, which must show no difference' },
  print: { type: 'switch', text: 'prints a row for each difference that is not listed' },
} as const
export const IS_SELF = process.argv.includes('--self')
export const KINDS: readonly [ServerKind, ServerKind] = ['etcd', IS_SELF ? 'etcd' : 'raftring']

/** Runs `body` with one on each of the ports, and ends the report. */
export async function withServerPair(
  ports: readonly [number, number],
  body: (report: Report) => Promise<void>,
): Promise<void> {
  const report = new Report('')
  const directory = temporaryDirectory()
  const servers: ServerProcess[] = []
  try {
    for (const [i, kind] of KINDS.entries()) {
      const clientPort = ports[i] as number
      const peerPort = clientPort + 1
      const dataDir = directory.path(`${i}`)
      // An alarm that a comparison raises stays until it is disarmed.
      const flags = kind === 'raftring' ? ['--quota-auto-disarm=false'] : []
      const spec = { kind, dataDir, clientPort, peerPort, advertisePeerPort: ADVERTISED_PEER_PORT, flags }
      servers.push(await ServerProcess.start(spec))
    }
    await body(report)
    // A server that died on the way would fail the rest anyway; say so in one line.
    for (const server of servers) {
      if (server.exit === undefined) report.pass(`${server.spec.kind} still runs`)
      else report.fail(`${server.spec.kind} still runs`, server.log.slice(-2000))
    }
  } finally {
    for (const server of servers) await server.kill()
    directory.remove()
  }
  report.end()
}
