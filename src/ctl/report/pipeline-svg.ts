/**
 * The threads that a write goes through and the rings between them: how busy each is, what flows, how full the rings
 * were, and how large the batches.
 */

import { percent, shortBytes, shortCount, shortTime } from '../view/amounts.js'
import type { NodeView, RingView, SizesView, ThreadView } from '../view/node-view.js'
import { sizesGroup } from './sizes-svg.js'
import { laneColour, PEER_COLOUR, type Lane } from './stage-lanes.js'
import { element, label, picture, rectangle } from './svg.js'

const WIDTH = 1120
const HEIGHT = 470
const BOX = { width: 220, height: 128 }
type Box = Lane | 'peer'
const PLACES: Readonly<Record<Box, { readonly x: number; readonly y: number }>> = {
  front: { x: 20, y: 88 },
  raft: { x: 450, y: 88 },
  mvcc: { x: 880, y: 88 },
  wal: { x: 450, y: 322 },
  peer: { x: 20, y: 322 },
}
const PIPE_MIN = 2
const PIPE_MAX = 13

export function pipelinePicture(view: NodeView): string {
  const hasPeers = view.rings.some((ring) => isBetween(ring.ring, 'raft', 'peer') && ring.recordsPerSecond > 1)
  const lanes = (Object.keys(PLACES) as Box[]).filter((lane) => lane !== 'peer' || hasPeers)
  const pipes = [
    pipe(view, 'front', 'raft', { from: [240, 152], to: [450, 152], at: [345, 128] }),
    pipe(view, 'raft', 'mvcc', { from: [670, 152], to: [880, 152], at: [775, 128] }),
    pipe(view, 'raft', 'wal', { from: [520, 216], to: [520, 322], at: [446, 300] }),
    pipe(view, 'wal', 'raft', { from: [600, 322], to: [600, 216], at: [706, 262] }),
    pipe(view, 'mvcc', 'front', { from: [990, 88], to: [130, 88], at: [560, 16], bend: 40 }),
    ...(hasPeers
      ? [
          pipe(view, 'raft', 'peer', { from: [465, 216], to: [140, 322], at: [190, 252] }),
          pipe(view, 'peer', 'raft', { from: [210, 322], to: [505, 216], at: [316, 308] }),
        ]
      : []),
  ]
  const batches = view.batches.map((sizes) => batchPicture(sizes))
  const boxes = lanes.map((lane) => box(lane, threadsOf(view, lane)))
  const marker = '<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="20" markerHeight="20" ' +
    'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" class="arrow"/></marker>'
  const content = `<defs>${marker}</defs>${pipes.join('\n')}${boxes.join('\n')}${batches.join('\n')}`
  return picture(WIDTH, HEIGHT, 'Threads, the rings between them, and sizes of batches', content)
}

function batchPicture(sizes: SizesView): string {
  return sizes.name === 'wal'
    ? sizesGroup(sizes, 'entries of a write', laneColour('wal'), { x: 690, y: 332, width: 170, height: 112 })
    : sizesGroup(sizes, 'entries of a transaction', laneColour('mvcc'), { x: 890, y: 232, width: 200, height: 112 })
}

function threadsOf({ threads }: NodeView, lane: Box): ThreadView[] {
  return threads.filter(({ actors }) => actors.some((actor) => actor.split(' ')[0] === lane))
}

function box(lane: Box, threads: readonly ThreadView[]): string {
  const { x, y } = PLACES[lane]
  const { width, height } = BOX
  const colour = lane === 'peer' ? PEER_COLOUR : laneColour(lane)
  const cpu = Math.max(0, ...threads.map(({ cpuShare }) => cpuShare))
  const sum = (of: (thread: ThreadView) => number): number => threads.reduce((total, thread) => total + of(thread), 0)
  const most = (of: (thread: ThreadView) => number): number => Math.max(0, ...threads.map(of))
  const rows = [
    ['turn p99', shortTime(most(({ turnP99Ms }) => turnP99Ms))],
    ['sleeps', `${shortCount(sum(({ parksPerSecond }) => parksPerSecond))}/s`],
    ['collections', `${shortCount(sum(({ gcPauses }) => gcPauses))}, ${shortTime(sum(({ gcMs }) => gcMs))}`],
  ]
  // An actor that shares another's thread has no figures of its own.
  const host = threads[0]?.thread.replace(/-\d+$/, '') ?? lane
  const title = threads.length > 1 ? `${lane} ×${threads.length}` : lane
  const use = host === lane ? `${percent(cpu)} of a core` : `on the thread of ${host}`
  const bar = { x: x + 14, y: y + 38, width: width - 28, height: 9 }
  const names = threads.map(({ thread }) => thread).join(', ')
  return element('g', {}, [
    rectangle({ x, y, width, height }, { rx: 8, class: 'box', stroke: colour }, `thread ${names}`),
    rectangle({ x, y, width: 6, height }, { rx: 3, fill: colour }),
    label(x + 16, y + 24, title, { class: 'box-title' }),
    label(x + width - 14, y + 24, use, { class: 'small', 'text-anchor': 'end' }),
    rectangle(bar, { rx: 4, class: 'gauge' }),
    rectangle({ ...bar, width: bar.width * Math.min(1, cpu) }, { rx: 4, fill: colour }),
    ...rows.map(([name = '', value = ''], i) =>
      label(x + 16, y + 70 + i * 19, name, { class: 'small faint' }) +
      label(x + width - 14, y + 70 + i * 19, value, { class: 'small', 'text-anchor': 'end' })),
  ].join(''))
}

function isBetween(ring: string, from: Box, to: Box): boolean {
  const [source = '', target = ''] = ring.split(' -> ')
  return source.split(' ')[0] === from && target.split(' ')[0] === to
}

/** All rings between two kinds of actors as one. */
function pipe(view: NodeView, from: Box, to: Box, place: {
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly at: readonly [number, number]
  readonly bend?: number
}): string {
  const rings = view.rings.filter(({ ring }) => isBetween(ring, from, to))
  const sum = (of: (ring: RingView) => number): number => rings.reduce((total, ring) => total + of(ring), 0)
  const records = sum(({ recordsPerSecond }) => recordsPerSecond)
  const filled = Math.max(0, ...rings.map((ring) => ring.depthBytes / ring.capacityBytes))
  const most = Math.max(0, ...rings.map((ring) => ring.highWaterBytes / ring.capacityBytes))
  const perBatch = Math.max(0, ...rings.map(({ recordsPerPublish }) => recordsPerPublish))
  const full = sum(({ full: times }) => times)
  const thickness = PIPE_MIN + Math.min(1, Math.log10(1 + records) / 6) * (PIPE_MAX - PIPE_MIN)
  const [x1, y1] = place.from
  const [x2, y2] = place.to
  const path = place.bend === undefined
    ? `M${x1} ${y1}L${x2} ${y2}`
    : `M${x1} ${y1}C${x1} ${place.bend - 24} ${x1 - 40} ${place.bend} ${x1 - 110} ${place.bend}` +
      `L${x2 + 110} ${place.bend}C${x2 + 40} ${place.bend} ${x2} ${place.bend - 24} ${x2} ${y2}`
  const note = `${from} to ${to}: ${shortCount(records)} records/s, ${shortBytes(sum((r) => r.bytesPerSecond))}/s, ` +
    `${perBatch.toFixed(1)} published together, ${shortCount(sum((r) => r.wakesPerSecond))} wakes/s, ` +
    `${percent(filled)} full now, ${percent(most)} at most, ${shortCount(full)} times full`
  const [x, y] = place.at
  return element('g', { class: 'pipe' }, [
    element('path', { d: path, 'stroke-width': thickness, fill: 'none', class: 'flow', 'marker-end': 'url(#arrow)' },
      element('title', {}, note)),
    label(x, y, `${shortCount(records)}/s, ${perBatch.toFixed(1)} at once`,
      { class: 'small', 'text-anchor': 'middle' }),
    label(x, y + 13, `ring at most ${percent(most)} full${full > 0 ? `, ${shortCount(full)}x full` : ''}`,
      { class: full > 0 ? 'small alarm' : 'small faint', 'text-anchor': 'middle' }),
  ].join(''))
}
