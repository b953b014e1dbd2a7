/** The gRPC suites against a follower of three members: a client need not know who leads. */

import { after, before, describe, test } from 'node:test'
import { GRPC_SUITES, suiteFlags } from '../compat/suites.js'
import { runCheck } from '../support/check-suite.js'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import { serverKind } from '../support/server-process.js'

/** They ask a member that is alone. */
const FOR_ONE_MEMBER: readonly string[] = [
  'status tells of the member',
  'the member list shows this one, without a revision',
  'a leader moves to itself, and to nobody else',
]
const kind = serverKind()
let cluster: ClusterProcess
let follower: ClusterMember

before(async () => {
  cluster = await ClusterProcess.start({ size: 3, flags: suiteFlags(kind) })
  follower = (await cluster.followers())[0] as ClusterMember
})

after(async () => {
  await cluster.remove()
})

for (const suite of GRPC_SUITES) {
  describe(suite.name, () => {
    for (const check of suite.checks) {
      if (check.slow === true || (check.since !== undefined && kind === 'etcd')) continue
      if (FOR_ONE_MEMBER.includes(check.title)) continue
      const place = () => ({ kind, client: follower.client, endpoint: follower.server.endpoint })
      test(check.title, () => runCheck(place(), check))
    }
  })
}
