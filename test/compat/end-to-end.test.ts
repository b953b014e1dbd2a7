/** The gRPC suites against a running server, but for the checks that wait for time to pass. */

import { after, before, describe, test } from 'node:test'
import { runCheck } from '../support/check-suite.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess, serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { GRPC_SUITES, suiteFlags } from './suites.js'

const PORT = 21_040
const kind = serverKind()
const directory = temporaryDirectory()
let server: ServerProcess
let client: EtcdClient

before(async () => {
  const dataDir = directory.path('data')
  const ports = { clientPort: PORT, peerPort: PORT + 1 }
  server = await ServerProcess.start({ kind, dataDir, ...ports, flags: suiteFlags(kind) })
  client = new EtcdClient(server.endpoint)
})

after(async () => {
  client.close()
  await server.kill()
  directory.remove()
})

for (const suite of GRPC_SUITES) {
  describe(suite.name, () => {
    for (const check of suite.checks) {
      if (check.slow === true || (check.since !== undefined && kind === 'etcd')) continue
      test(check.title, () => runCheck({ kind, client, endpoint: server.endpoint }, check))
    }
  })
}
