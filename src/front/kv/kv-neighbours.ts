/** What services that read and write keys share within a front. */

import type { AuthGate } from '../auth/auth-gate.js'
import type { QuotaGate } from '../maintenance/quota-gate.js'
import type { Proposer } from '../requests/proposer.js'
import type { RangeJobs } from './range-jobs.js'
import type { ReadPath } from './read-path.js'

export interface KvNeighbours {
  readonly proposer: Proposer
  readonly reads: ReadPath
  readonly jobs: RangeJobs
  readonly gate: AuthGate
  readonly quota: QuotaGate
}
