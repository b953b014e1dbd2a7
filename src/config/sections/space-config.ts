/** How much is kept, and for how long. */

import { parseDurationMs } from '../duration.js'
import { MIB } from '../limits.js'
import type { OptionReader } from '../option-values.js'
import type { Findings } from './findings.js'

export type AutoCompaction =
  | { readonly mode: 'off' }
  | { readonly mode: 'periodic'; readonly periodMs: number }
  | { readonly mode: 'revision'; readonly revisions: number }

export interface SpaceConfig {
  /** Infinity without a quota. */
  readonly quotaBytes: number
  readonly quotaAutoDisarm: boolean
  readonly autoCompaction: AutoCompaction
  readonly compactionBatchMax: number
  readonly compactionSleepMs: number
  /** Infinity: never. */
  readonly bootstrapDefragBytesMin: number
}

const GIB = 1024 * MIB
const QUOTA_BYTES = 2 * GIB
/** Above this etcd warns: a store that large is slow to copy to another member. */
const QUOTA_BYTES_USUAL = 8 * GIB
const HOUR_MS = 3_600_000
const NS_PER_MS = 1e6

export function concludeSpace(options: OptionReader, findings: Findings): SpaceConfig {
  const quota = options.number('quota-backend-bytes')
  if (quota > QUOTA_BYTES_USUAL) {
    findings.warnings.push(`--quota-backend-bytes ${quota} exceeds the recommended ${QUOTA_BYTES_USUAL}`)
  }
  const defragMegabytes = options.number('bootstrap-defrag-threshold-megabytes')
  return {
    quotaBytes: quota < 0 ? Infinity : quota || QUOTA_BYTES,
    quotaAutoDisarm: options.isTrue('quota-auto-disarm'),
    autoCompaction: autoCompaction(options, findings),
    compactionBatchMax: options.numberOr('compaction-batch-limit', 1000),
    compactionSleepMs: options.durationMsOr('compaction-sleep-interval', 10),
    bootstrapDefragBytesMin: defragMegabytes === 0 ? Infinity : defragMegabytes * MIB,
  }
}

function autoCompaction(options: OptionReader, { problems, warnings }: Findings): AutoCompaction {
  const off: AutoCompaction = { mode: 'off' }
  const mode = options.text('auto-compaction-mode')
  const retention = options.text('auto-compaction-retention')
  if (mode !== 'periodic' && mode !== 'revision') {
    problems.push(mode === '' ? 'undefined auto-compaction-mode' : `unknown auto-compaction-mode "${mode}"`)
    return off
  }
  if (/^\+?\d+$/.test(retention)) {
    const count = Number(retention)
    if (count === 0) return off
    return mode === 'periodic' ? { mode, periodMs: count * HOUR_MS } : { mode, revisions: count }
  }
  const durationMs = parseDurationMs(retention)
  if (durationMs === null || durationMs < 0) {
    problems.push(`error parsing CompactionRetention: invalid duration "${retention}"`)
    return off
  }
  if (durationMs === 0) return off
  if (mode === 'periodic') return { mode, periodMs: durationMs }
  const revisions = Math.round(durationMs * NS_PER_MS)
  warnings.push(`--auto-compaction-retention ${retention} with mode revision means ${revisions} revisions, as in etcd`)
  return { mode, revisions }
}
