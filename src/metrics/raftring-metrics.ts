/** This project's own metrics that nobody counts: rings, stages, threads, checkpoints and readers, as they stand. */

import { Word } from '../messages/shared-words.js'
import { readRingCounters } from '../ring/ring-counters.js'
import { snapshotSince } from './counter-catalogue.js'
import type { Exposition } from './exposition.js'
import type { ObservedNode } from './observed-node.js'
import type { CpuSeconds } from './process-file.js'
import { BUCKET_COUNT, bucketUpperMs, STAGES, type StageHistogram } from './stage-histogram.js'
import { threadFamilies, threadId } from './thread-catalogue.js'

/** One bucket for each power of two of microseconds. */
const STAGE_BUCKET_STEP = 8
const STAGE_BOUNDS = Array.from({ length: Math.ceil(BUCKET_COUNT / STAGE_BUCKET_STEP) }, (_, octave) =>
  Number((bucketUpperMs(octave * STAGE_BUCKET_STEP) / 1000).toPrecision(12)),
)

export interface Moment {
  readonly nowMs: number
  readonly wallMs: number
}

export function addRaftringMetrics(
  to: Exposition,
  node: ObservedNode,
  cpu: ReadonlyMap<number, CpuSeconds> | undefined,
  moment: Moment,
): void {
  addStages(to, node.stages)
  addRings(to, node)
  addThreads(to, node, cpu)
  addAges(to, node, moment)
}

function addStages(to: Exposition, pages: readonly StageHistogram[]): void {
  const lines = to.family({
    name: 'raftring_stage_seconds', type: 'histogram', help: 'Time that a write spends in each stage of its way.',
  })
  STAGES.forEach((stage, index) => {
    const words = new Array<number>(STAGE_BOUNDS.length + 2).fill(0)
    for (const page of pages) {
      for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        const at = Math.ceil(bucket / STAGE_BUCKET_STEP)
        words[at] = (words[at] as number) + page.bucket(index, bucket)
      }
      words[words.length - 1] = (words.at(-1) as number) + page.sumMs(index) / 1000
    }
    lines.histogram(`stage="${stage}"`, STAGE_BOUNDS, words)
  })
}

function addRings(to: Exposition, { rings }: ObservedNode): void {
  for (const { name, memory } of rings) {
    const labels = { ring: name }
    const ring = readRingCounters(memory)
    to.single('gauge', 'raftring_ring_capacity_bytes', 'Bytes that a ring can hold.', ring.capacityBytes, labels)
    to.single('gauge', 'raftring_ring_depth_bytes', 'Bytes in a ring that its reader has not released.',
      ring.depthBytes, labels)
    to.single('gauge', 'raftring_ring_high_water_bytes', 'Most bytes that were ever in a ring.',
      ring.highWaterBytes, labels)
    to.single('counter', 'raftring_ring_records_total', 'Records that went through a ring.', ring.recordsIn, labels)
    to.single('counter', 'raftring_ring_bytes_total', 'Bytes that went through a ring.', ring.bytesIn, labels)
    to.single('counter', 'raftring_ring_full_total', 'Records that found no room in a ring.', ring.full, labels)
    to.single('counter', 'raftring_ring_publishes_total', 'Times that records were made visible together.',
      ring.publishes, labels)
    to.single('counter', 'raftring_ring_wakes_total', 'Publications that woke the reader of a ring.', ring.wakes,
      labels)
  }
}

function addThreads(
  to: Exposition,
  { threads, actors }: ObservedNode,
  cpu: ReadonlyMap<number, CpuSeconds> | undefined,
): void {
  to.byPage(threadFamilies(), threads.map(({ page, name }) => ({ page, label: `thread="${name}"` })))
  for (const { name, thread } of actors) {
    to.single('gauge', 'raftring_actor_info', 'Which actor runs on which thread.', 1, { actor: name, thread })
  }
  for (const { name, doorbell } of threads) {
    const labels = { thread: name }
    to.single('counter', 'raftring_thread_parks_total', 'Times that a thread went to sleep.', doorbell.parks, labels)
    to.single('counter', 'raftring_thread_wakes_total', 'Times that a thread was rung awake.', doorbell.wakes, labels)
  }
  if (cpu !== undefined) addCpus(to, threads, cpu)
}

function addCpus(to: Exposition, threads: ObservedNode['threads'], cpu: ReadonlyMap<number, CpuSeconds>): void {
  const others = new Map(cpu)
  for (const { name, page } of threads) {
    const id = page.values[threadId.at] as number
    const own = cpu.get(id)
    if (own !== undefined) addCpu(to, name, own)
    others.delete(id)
  }
  let [user, system] = [0, 0]
  for (const time of others.values()) {
    user += time.user
    system += time.system
  }
  addCpu(to, 'others', { user, system })
}

function addCpu(to: Exposition, thread: string, { user, system }: CpuSeconds): void {
  const help = 'CPU time of a thread; `others` are main, helpers and those of the engine.'
  to.single('counter', 'raftring_thread_cpu_seconds_total', help, user, { thread, mode: 'user' })
  to.single('counter', 'raftring_thread_cpu_seconds_total', help, system, { thread, mode: 'system' })
}

function addAges(to: Exposition, { words, actors }: ObservedNode, { nowMs, wallMs }: Moment): void {
  const checkpointed = words.load(Word.checkpointWallMs)
  to.single('gauge', 'raftring_checkpoint_age_seconds', 'Time since the last checkpoint of the store.',
    checkpointed === 0 ? 0 : Math.max(0, wallMs - checkpointed) / 1000)
  let oldestMs = 0
  for (const { page } of actors) {
    const since = page.values[snapshotSince.at] as number
    if (since > 0) oldestMs = Math.max(oldestMs, nowMs - since)
  }
  to.single('gauge', 'raftring_oldest_reader_age_seconds',
    'How long the oldest read transaction has been open, those of checkpoints left out.', oldestMs / 1000)
  to.single('gauge', 'raftring_watchers', 'Watchers of all workers, as mvcc sees them.', words.load(Word.watcherCount))
}
