/** Leases: grants, and renewals on streams that stay open. */

import { keepAlives, leaseGrants, leaseRequests } from '../../../src/ctl/load/mixed-requests.js'
import { askAll, measured } from './measured.js'
import type { Workload } from './workload.js'

const LEASES = 1000
/** Longer than any run. */
const TTL_SECONDS = 3600

export const LEASE_WORKLOADS: readonly Workload[] = [
  {
    name: 'lease grant, 64 clients',
    unit: 'grant',
    run: (target, timing) =>
      measured(target, timing, { clients: 64, generator: leaseGrants({ leases: 0, ttlSeconds: TTL_SECONDS }) }),
  },
  {
    name: `lease keep-alive of ${LEASES} leases, 64 streams`,
    unit: 'renewal',
    async run(target, timing) {
      const options = { leases: LEASES, ttlSeconds: TTL_SECONDS }
      await askAll(target.host, target.port, '/etcdserverpb.Lease/LeaseGrant', leaseRequests(options))
      const generator = keepAlives(options)
      return measured(target, { ...timing, rate: null }, { clients: 64, generator, shape: 'chat' })
    },
  },
]
