/** Two readings of a server made into what people want to know of the time between them. */

import { BUCKET_COUNT, STAGES, summaryOf, type StageName, type StageSummary } from '../../metrics/stage-histogram.js'
import type { StagePage } from '../../front/pages/stage-page.js'
import { between, quantile, type HistogramSeries, type Metrics } from './metrics-text.js'
import type { NodeReading } from './node-reading.js'

export interface StageView {
  readonly stage: string
  readonly perSecond: number
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the time of all requests of its kind. */
  readonly share: number
}

export interface RingView {
  readonly ring: string
  readonly depthBytes: number
  readonly highWaterBytes: number
  readonly capacityBytes: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** How many records were made visible together. */
  readonly recordsPerPublish: number
  readonly wakesPerSecond: number
  readonly full: number
}

export interface ThreadView {
  readonly thread: string
  readonly actors: readonly string[]
  /** Of one core. */
  readonly cpuShare: number
  readonly systemShare: number
  readonly turnsPerSecond: number
  readonly parksPerSecond: number
  readonly turnP99Ms: number
  readonly gcPauses: number
  readonly gcMs: number
  readonly gcP99Ms: number
  /** Null for a thread without an event loop. */
  readonly loopDelayP99Ms: number | null
  readonly heapBytes: number
}

export interface SizesView {
  readonly name: 'wal' | 'apply'
  readonly batches: number
  readonly mean: number
  /** Upper bounds of entries and how many batches were so large but no larger bound took them. */
  readonly buckets: readonly (readonly [upTo: number, count: number])[]
}

export interface RateView {
  readonly name: string
  readonly perSecond: number
}

export interface NodeView {
  readonly seconds: number
  readonly rates: readonly RateView[]
  /** By method, what was answered well and what was not. */
  readonly calls: readonly { readonly method: string; readonly perSecond: number; readonly failedPerSecond: number }[]
  readonly stages: readonly StageView[]
  readonly batches: readonly SizesView[]
  readonly rings: readonly RingView[]
  readonly threads: readonly ThreadView[]
  readonly facts: Readonly<Record<string, number>>
  readonly cpuCores: number
}

/** Counters that people ask for first. */
const RATES: readonly (readonly [name: string, metric: string])[] = [
  ['puts', 'etcd_mvcc_put_total'],
  ['ranges', 'etcd_mvcc_range_total'],
  ['deletes', 'etcd_mvcc_delete_total'],
  ['txns', 'etcd_mvcc_txn_total'],
  ['watch events', 'etcd_debugging_mvcc_events_total'],
  ['lease renewals', 'etcd_debugging_lease_renewed_total'],
  ['proposals', 'etcd_server_proposals_committed_total'],
  ['failed proposals', 'etcd_server_proposals_failed_total'],
  ['bytes in', 'etcd_network_client_grpc_received_bytes_total'],
  ['bytes out', 'etcd_network_client_grpc_sent_bytes_total'],
  ['log bytes', 'etcd_disk_wal_write_bytes_total'],
]

const FACTS: readonly (readonly [name: string, metric: string])[] = [
  ['pending', 'etcd_server_proposals_pending'],
  ['keys', 'etcd_debugging_mvcc_keys_total'],
  ['watchers', 'raftring_watchers'],
  ['leases', 'raftring_leases'],
  ['leader', 'etcd_server_is_leader'],
  ['hasLeader', 'etcd_server_has_leader'],
  ['storeBytes', 'etcd_mvcc_db_total_size_in_bytes'],
  ['storeUsedBytes', 'etcd_mvcc_db_total_size_in_use_in_bytes'],
  ['residentBytes', 'process_resident_memory_bytes'],
  ['openFiles', 'process_open_fds'],
  ['checkpointAgeSeconds', 'raftring_checkpoint_age_seconds'],
  ['oldestReaderSeconds', 'raftring_oldest_reader_age_seconds'],
]

export function viewBetween(before: NodeReading, after: NodeReading): NodeView {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000)
  const change = (metric: string, labels = {}): number =>
    after.metrics.value(metric, labels) - before.metrics.value(metric, labels)
  return {
    seconds,
    rates: RATES.map(([name, metric]) => ({ name, perSecond: change(metric) / seconds })),
    calls: callsOf(before.metrics, after.metrics, seconds),
    stages: stagesOf(before.stages, after.stages, seconds),
    batches: [sizesOf('wal', before.metrics, after.metrics), sizesOf('apply', before.metrics, after.metrics)],
    rings: after.metrics.samples('raftring_ring_depth_bytes').map(({ labels, value }) => {
      const publishes = change('raftring_ring_publishes_total', labels)
      const records = change('raftring_ring_records_total', labels)
      return {
        ring: labels['ring'] ?? '',
        depthBytes: value,
        highWaterBytes: after.metrics.value('raftring_ring_high_water_bytes', labels),
        capacityBytes: after.metrics.value('raftring_ring_capacity_bytes', labels),
        recordsPerSecond: records / seconds,
        bytesPerSecond: change('raftring_ring_bytes_total', labels) / seconds,
        recordsPerPublish: publishes === 0 ? 0 : records / publishes,
        wakesPerSecond: change('raftring_ring_wakes_total', labels) / seconds,
        full: change('raftring_ring_full_total', labels),
      }
    }),
    threads: threadsOf(before.metrics, after.metrics, seconds),
    facts: Object.fromEntries(FACTS.map(([name, metric]) => [name, after.metrics.value(metric)])),
    cpuCores: change('process_cpu_seconds_total') / seconds,
  }
}

function callsOf(before: Metrics, after: Metrics, seconds: number): NodeView['calls'] {
  const methods = new Map<string, { good: number; all: number }>()
  for (const { labels, value } of after.samples('grpc_server_handled_total')) {
    if (value === 0) continue
    const method = `${(labels['grpc_service'] ?? '').replace(/^.*\./, '')}.${labels['grpc_method'] ?? ''}`
    const found = methods.get(method) ?? { good: 0, all: 0 }
    const added = value - before.value('grpc_server_handled_total', labels)
    found.all += added
    if (labels['grpc_code'] === 'OK') found.good += added
    methods.set(method, found)
  }
  return [...methods]
    .filter(([, { all }]) => all > 0)
    .map(([method, { good, all }]) => ({
      method, perSecond: all / seconds, failedPerSecond: (all - good) / seconds,
    }))
    .sort((a, b) => b.perSecond - a.perSecond)
}

/** Buckets of every stage between two pages. */
export function stageSummaries(before: StagePage | null, after: StagePage | null): StageSummary[] {
  if (after === null) return []
  const earlier = new Map(before?.stages.map((stage) => [stage.stage, stage]))
  return after.stages.filter(({ stage }) => isStage(stage)).map(({ stage, sumMs, buckets }) => {
    const counts = new Float64Array(BUCKET_COUNT)
    for (const [bucket, count] of buckets) counts[bucket] = count
    const old = earlier.get(stage)
    for (const [bucket, count] of old?.buckets ?? []) counts[bucket] = (counts[bucket] as number) - count
    return summaryOf(stage as StageName, counts, sumMs - (old?.sumMs ?? 0))
  })
}

function isStage(name: string): boolean {
  return (STAGES as readonly string[]).includes(name)
}

function stagesOf(before: StagePage | null, after: StagePage | null, seconds: number): StageView[] {
  const summaries = stageSummaries(before, after)
  const totalMs = (name: string): number => summaries.find(({ stage }) => stage === name)?.sumMs ?? 0
  const [writesMs, readsMs] = [totalMs('total'), totalMs('read_total')]
  return summaries.map(({ stage, count, sumMs, quantileMs }) => {
    const wholeMs = stage.startsWith('read') ? readsMs : writesMs
    return {
      stage,
      count,
      perSecond: count / seconds,
      meanMs: count === 0 ? 0 : sumMs / count,
      // The first bucket holds times of 0 as well.
      p50Ms: sumMs === 0 ? 0 : quantileMs(0.5),
      p99Ms: sumMs === 0 ? 0 : quantileMs(0.99),
      share: wholeMs > 0 ? sumMs / wholeMs : 0,
    }
  })
}

function seriesBetween(
  before: Metrics, after: Metrics, name: string, label: string, value: string,
): HistogramSeries | null {
  const pick = (metrics: Metrics): HistogramSeries | undefined =>
    metrics.histograms(name).find(({ labels }) => label === '' || labels[label] === value)
  const found = pick(after)
  return found === undefined ? null : between(pick(before), found)
}

function sizesOf(name: SizesView['name'], before: Metrics, after: Metrics): SizesView {
  const series = seriesBetween(before, after, `raftring_${name}_batch_entries`, '', '')
  if (series === null) return { name, batches: 0, mean: 0, buckets: [] }
  const buckets = series.bounds.map((bound, i) => {
    return [bound, (series.cumulative[i] as number) - (series.cumulative[i - 1] ?? 0)] as const
  })
  return { name, batches: series.count, mean: series.count === 0 ? 0 : series.sum / series.count, buckets }
}

function threadsOf(before: Metrics, after: Metrics, seconds: number): ThreadView[] {
  const actors = after.samples('raftring_actor_info')
  return threadNames(after).map((thread) => {
    const change = (metric: string, labels = {}): number =>
      after.value(metric, { thread, ...labels }) - before.value(metric, { thread, ...labels })
    const histogram = (name: string): HistogramSeries | null => seriesBetween(before, after, name, 'thread', thread)
    const user = change('raftring_thread_cpu_seconds_total', { mode: 'user' })
    const system = change('raftring_thread_cpu_seconds_total', { mode: 'system' })
    const turns = histogram('raftring_turn_seconds')
    const gc = histogram('raftring_gc_pause_seconds')
    const loop = histogram('raftring_event_loop_delay_seconds')
    return {
      thread,
      actors: actors.filter(({ labels }) => labels['thread'] === thread).map(({ labels }) => labels['actor'] ?? ''),
      cpuShare: (user + system) / seconds,
      systemShare: system / seconds,
      turnsPerSecond: change('raftring_turns_total') / seconds,
      parksPerSecond: change('raftring_thread_parks_total') / seconds,
      turnP99Ms: turns === null ? 0 : 1000 * quantile(turns, 0.99),
      gcPauses: gc?.count ?? 0,
      gcMs: 1000 * (gc?.sum ?? 0),
      gcP99Ms: gc === null ? 0 : 1000 * quantile(gc, 0.99),
      loopDelayP99Ms: loop === null || after.value('raftring_event_loop_delay_seconds_count', { thread }) === 0
        ? null
        : 1000 * quantile(loop, 0.99),
      heapBytes: after.value('raftring_heap_used_bytes', { thread }),
    }
  })
}

/** The node's own threads first, then all others as one. */
function threadNames(metrics: Metrics): string[] {
  const names = new Set(metrics.samples('raftring_turns_total').map(({ labels }) => labels['thread'] ?? ''))
  for (const { labels } of metrics.samples('raftring_thread_cpu_seconds_total')) names.add(labels['thread'] ?? '')
  return [...names]
}
