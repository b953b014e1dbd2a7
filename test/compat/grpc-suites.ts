/**
 * Runs the gRPC suites against one fresh server: raftring, or etcd with SERVER=etcd. `ONLY=<regular
 * expression>` picks checks by title.
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient } from '../support/etcd-client.js'
import { runSuites } from '../support/check-suite.js'
import { Report } from '../support/report.js'
import { serverKind, withServer } from '../support/server-process.js'
import { GRPC_SUITES, suiteFlags } from './suites.js'

async function main(): Promise<void> {
  scriptOptions({
    does: 'The gRPC suites against a fresh server; SERVER=etcd asks etcd, ONLY=REGEXP picks checks by title.',
  })
  const report = new Report()
  const kind = serverKind()
  await withServer({ kind, clientPort: 21_020, flags: suiteFlags(kind) }, async (server) => {
    const client = new EtcdClient(server.endpoint)
    await runSuites(report, { kind, client, endpoint: server.endpoint }, GRPC_SUITES)
    client.close()
    await report.check(`${kind} still runs`, () => {
      if (server.exit !== undefined) throw new Error(server.log.slice(-4000))
    })
  })
  report.end()
}

await main()
