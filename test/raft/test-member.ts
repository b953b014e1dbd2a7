/**
 * One core with a disk and a store, driven by hand: nothing becomes durable, applied or sent unless the test says so.
 */

import assert from 'node:assert/strict'
import { EMPTY_BYTES, utf8 } from '../../src/base/bytes.js'
import { decodeConfChangeV2, encodeConfChangeV2 } from '../../src/proto/generated/raftpb.js'
import type { ConfChange, ConfChangeType, ConfState, ConfTransition } from '../../src/raft/core/conf-change.js'
import { confChangeOf } from '../../src/raft/conf-codec.js'
import { RaftCore, type ProposeResult } from '../../src/raft/core/raft-core.js'
import { EntryType, LogEntry, placedEntry } from '../../src/raft/core/raft-log.js'
import { RaftMessage } from '../../src/raft/core/raft-message.js'
import type { RaftInitial, RaftLimits } from '../../src/raft/core/raft-state.js'
import type { Ready } from '../../src/raft/core/ready.js'
import { TestDisk, type DiskWrite } from './test-disk.js'

export interface MemberOptions {
  readonly limits: RaftLimits
  readonly random: () => number
  readonly confState: ConfState
  /** What a first start brings that is not on disk yet. */
  readonly initial?: RaftInitial
}

/** Told of what a member does while it does it. */
export interface MemberObserver {
  onReady(member: TestMember, ready: Ready): void
  onApplied(member: TestMember, entry: LogEntry): void
}

export class TestMember {
  readonly id: bigint
  readonly disk: TestDisk
  readonly #options: MemberOptions
  /** Null while it is down. */
  core: RaftCore | null
  /** Handed to storage and not reported durable, oldest first. */
  writes: DiskWrite[] = []
  /** Configurations by the index that made them, oldest first. */
  confs: { readonly index: number; readonly confState: ConfState }[]
  /** Highest index handed out to be applied; what of it the core knows as applied is the core's own count. */
  applying: number
  /** Tickets of a member begin again with each of its lives. */
  lastTicket = 0

  constructor(id: bigint, options: MemberOptions) {
    this.id = id
    this.disk = new TestDisk(options.confState)
    this.#options = options
    this.confs = [{ index: 0, confState: options.confState }]
    this.applying = options.initial?.applied ?? 0
    this.core = new RaftCore(id, options.initial ?? this.disk.initial(), options)
  }

  get running(): RaftCore {
    assert.ok(this.core !== null, `member ${this.id} is down`)
    return this.core
  }

  propose(text: string): ProposeResult {
    return this.running.proposeOne(new LogEntry(EntryType.normal, utf8(text)))
  }

  proposeConf(change: ConfChange): ProposeResult {
    return this.running.proposeOne(new LogEntry(EntryType.confChangeV2, encodeConf(change)))
  }

  /**
   * One Ready: storage's share is queued, entries are handed to the store, messages go to `send`. False: none. `room`
   * is what rings to storage and store would have, the core's own bounds when undefined.
   */
  ready(send: (message: RaftMessage) => void, observer: MemberObserver, room?: number): boolean {
    const core = this.running
    const ready = core.ready(room, room)
    if (ready === null) return false
    const entries: LogEntry[] = []
    for (let i = ready.appendFirst; i <= ready.appendLast; i++) entries.push(copyOf(core.entry(i)))
    if (ready.mustSync || ready.hardStateChanged || entries.length > 0) {
      this.writes.push({
        snapshot: ready.snapshot, entries, hardState: ready.hardStateChanged ? { ...ready.hardState } : null,
        mustSync: ready.mustSync, term: ready.appendTerm, index: ready.appendIndex,
      })
    }
    observer.onReady(this, ready)
    for (let i = ready.applyFirst; i <= ready.applyLast; i++) {
      const entry = core.entry(i)
      if (entry.type !== EntryType.normal) this.#applyConf(core, entry)
      this.applying = i
      observer.onApplied(this, entry)
    }
    for (const message of ready.messages) send(messageCopy(message))
    return true
  }

  /** The oldest writes reach the disk; the last one that must is reported. */
  durable(count = Infinity): void {
    let reported: DiskWrite | null = null
    for (const write of this.writes.splice(0, count)) {
      this.#reach(write)
      if (write.mustSync) reported = write
    }
    if (reported !== null) this.running.onDurable(reported.term, reported.index)
    // The store is installed before the record of its snapshot is written.
    if (this.applying < this.disk.snapshot.index) this.applying = this.disk.snapshot.index
    if (this.running.applied < this.disk.snapshot.index) this.running.appliedTo(this.disk.snapshot.index)
  }

  /** The store has applied up to `index` of what it was handed. */
  applied(index = this.applying): void {
    this.running.appliedTo(Math.min(index, this.applying))
  }

  checkpoint(): void {
    const { applied, stable } = this.running.status()
    // The disk may hold another entry at an applied index, from before the tail was cut: only `stable` tells.
    this.disk.saveCheckpoint(Math.min(applied, stable), (index) => this.confAt(index))
  }

  /** Makes the store safe and forgets the log before it. */
  compact(): void {
    this.checkpoint()
    this.disk.compact()
    this.running.compactLog(this.disk.snapshot.index)
  }

  /** The process dies; `reached` of the writes under way had reached the disk all the same. */
  crash(reached = 0): void {
    for (const write of this.writes.splice(0, reached)) this.#reach(write)
    this.writes = []
    this.core = null
  }

  restart(): void {
    assert.equal(this.core, null)
    const { checkpoint, lastIndex } = this.disk
    const { initial } = this.#options
    this.confs = [{ index: checkpoint.index, confState: checkpoint.confState }]
    this.applying = checkpoint.index
    this.lastTicket = 0
    // A first start that left nothing on disk is made again.
    const isFirst = initial !== undefined && lastIndex === 0
    this.core = new RaftCore(this.id, isFirst ? initial : this.disk.initial(), this.#options)
  }

  confAt(index: number): ConfState {
    const found = this.confs.findLast((conf) => conf.index <= index)
    assert.ok(found !== undefined, `no configuration at ${index}`)
    return found.confState
  }

  #reach(write: DiskWrite): void {
    this.disk.write(write)
    if (write.snapshot !== null) {
      this.confs = [{ index: write.snapshot.index, confState: write.snapshot.confState }]
    }
  }

  #applyConf(core: RaftCore, entry: LogEntry): void {
    const change = decodeConf(entry)
    if (core.checkConfChange(change) !== null) core.refuseConfChange()
    else this.confs.push({ index: entry.index, confState: core.applyConfChange(change) })
  }
}

/** No bytes at all leave a joint configuration. */
function encodeConf(change: ConfChange): Uint8Array {
  if (change.changes.length === 0) return EMPTY_BYTES
  return encodeConfChangeV2({
    transition: change.transition,
    changes: change.changes.map((single) => ({ type: single.type, node_id: single.nodeId })),
  })
}

function decodeConf(entry: LogEntry): ConfChange {
  if (entry.type === EntryType.confChange) return confChangeOf(entry.data)
  const wire = decodeConfChangeV2(entry.data)
  return {
    transition: wire.transition as ConfTransition,
    changes: wire.changes.map((single) => ({ type: single.type as ConfChangeType, nodeId: single.node_id })),
  }
}

function copyOf(entry: LogEntry): LogEntry {
  return placedEntry(entry.term, entry.index, entry.type, entry.data)
}

/** What a network would deliver: nothing in it is the sender's. */
export function messageCopy(message: RaftMessage): RaftMessage {
  const copy = new RaftMessage(message.type, message.to, message.from, message.term)
  return Object.assign(copy, message, { entries: message.entries.map(copyOf) })
}
