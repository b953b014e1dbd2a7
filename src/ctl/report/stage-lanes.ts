/** Which actor each stage belongs to, and in which colour both appear. */

import { WRITE_STAGES } from '../../metrics/stage-histogram.js'

export type Lane = 'front' | 'raft' | 'wal' | 'mvcc'
export const LANES: readonly Lane[] = ['front', 'raft', 'wal', 'mvcc']

export interface StageLook {
  readonly lane: Lane
  /** The request waits in a queue of the lane's actor, or nothing happens to it for want of a thread. */
  readonly isWaiting: boolean
  /** The actor's thread is at work for it. `disk`: the kernel is. */
  readonly colour: string
}

const WORK: Readonly<Record<Lane, string>> = { front: '#3b82f6', raft: '#8b5cf6', wal: '#f59e0b', mvcc: '#10b981' }
const DISK = '#ef4444'
export const PEER_COLOUR = '#ec4899'

const LOOKS: Readonly<Record<string, readonly [Lane, 'work' | 'waiting', string?]>> = {
  decode: ['front', 'work'],
  auth: ['front', 'work', '#06b6d4'],
  queue_raft: ['raft', 'waiting'],
  propose: ['raft', 'work'],
  wal_queue: ['wal', 'waiting'],
  write: ['wal', 'work'],
  fsync: ['wal', 'work', DISK],
  replicate: ['raft', 'work', PEER_COLOUR],
  commit: ['raft', 'work'],
  apply_queue: ['mvcc', 'waiting'],
  apply: ['mvcc', 'work'],
  answer_queue: ['front', 'waiting'],
  encode: ['front', 'work'],
  send: ['front', 'work', '#1d4ed8'],
}

export function lookOf(stage: string): StageLook {
  const [lane, kind, colour] = LOOKS[stage] ?? ['front', 'work']
  return { lane, isWaiting: kind === 'waiting', colour: colour ?? WORK[lane] }
}

export function laneColour(lane: Lane): string {
  return WORK[lane]
}

/** Patterns by which waiting is told from work; once for each page. */
export function patternDefinitions(): string {
  const patterns = LANES.map((lane) => {
    const stripes = `<rect width="7" height="7" fill="${WORK[lane]}" opacity="0.18"/>` +
      `<line x1="0" y1="0" x2="0" y2="7" stroke="${WORK[lane]}" stroke-width="2.6" opacity="0.75"/>`
    const attributes = `width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"`
    return `<pattern id="waiting-${lane}" ${attributes}>${stripes}</pattern>`
  })
  const hidden = 'width="0" height="0" style="position:absolute" aria-hidden="true"'
  return `<svg ${hidden}><defs>${patterns.join('')}</defs></svg>`
}

export function fillOf(stage: string): string {
  const { lane, isWaiting, colour } = lookOf(stage)
  return isWaiting ? `url(#waiting-${lane})` : colour
}

export const STAGE_ORDER: readonly string[] = WRITE_STAGES
