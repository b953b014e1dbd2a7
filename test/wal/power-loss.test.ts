/**
 * Power loss at page level: of every unsynced page a random part of the sectors stays. Whatever was acknowledged must
 * be there afterwards, whatever comes back must have been written, and the log must take new entries. ROUNDS sets how
 * often.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../src/base/prng.js'
import { SimulatedDisk } from './simulated-disk.js'
import { WalRig, type ReplayedEntry } from './wal-rig.js'

const ROUNDS = Number(process.env['ROUNDS'] ?? 40)
const SEGMENT_BYTES = 24 * 1024
/** Power losses in a row, on the same directory. */
const LOSSES_PER_ROUND = 3
const OPTIONS = { segmentBytes: SEGMENT_BYTES, segmentsMax: 2 }

/** What the log was told, and how much of it was acknowledged. */
class Model {
  /** Every value that was ever written at an index, the newest last. */
  readonly written = new Map<number, string[]>()
  acknowledgedIndex = 0
  acknowledgedCommit = 0
  acknowledgedSnapshot = 0
  acknowledgedTerm = 0

  /** After a start only what it found is there; anything else must not come back later. */
  restart(entries: readonly ReplayedEntry[]): void {
    this.written.clear()
    for (const entry of entries) this.written.set(entry.index, [entry.data])
  }

  write(index: number, value: string): void {
    const values = this.written.get(index) ?? []
    values.push(value)
    this.written.set(index, values)
  }
}

interface Pending {
  readonly sequence: number
  readonly index: number
  readonly term: number
  readonly snapshot: number
}

/** Drives a rig with random Readys until the power goes. */
function work(rig: WalRig, model: Model, random: Prng, term: number): void {
  let index = rig.raft.entries.at(-1)?.index ?? (rig.raft.recovered?.snapshotIndex as number)
  let commit = rig.raft.recovered?.commit as number
  let snapshot = rig.raft.recovered?.snapshotIndex as number
  const pending: Pending[] = []
  const turns = random.between(1, 30)
  for (let turn = 0; turn < turns; turn++) {
    for (let ready = random.between(0, 3); ready > 0; ready--) {
      const count = random.between(1, 4)
      for (let i = 0; i < count; i++) {
        const value = `${++index}/${term}/`.padEnd(random.pick([20, 300, 1500, 6000]), 'abcdefgh')
        model.write(index, value)
        rig.append(index, term, value)
      }
      rig.state(term, 1n, commit)
      pending.push({ sequence: rig.flush(), index, term, snapshot: 0 })
    }
    if (random.chance(0.2)) rig.state(term, 1n, (commit = Math.min(model.acknowledgedIndex, index)), false)
    if (random.chance(0.1) && model.acknowledgedIndex > snapshot) {
      snapshot = random.between(snapshot + 1, model.acknowledgedIndex)
      rig.snapshot(snapshot, term, 'conf')
      pending.push({ sequence: rig.flush(), index: 0, term, snapshot })
      commit = Math.max(commit, snapshot)
    }
    if (turn === turns - 1 && random.chance(0.3)) return
    rig.run()
    acknowledge(rig, model, pending)
  }
}

function acknowledge(rig: WalRig, model: Model, pending: Pending[]): void {
  const durable = rig.raft.durables.at(-1) ?? 0
  while ((pending[0]?.sequence ?? Infinity) <= durable) {
    const { index, term, snapshot } = pending.shift() as Pending
    model.acknowledgedIndex = Math.max(model.acknowledgedIndex, index)
    model.acknowledgedSnapshot = Math.max(model.acknowledgedSnapshot, snapshot)
    model.acknowledgedTerm = term
  }
}

function check(rig: WalRig, model: Model): void {
  const { recovered, entries } = rig.raft
  assert.ok(recovered !== null)
  const { snapshotIndex } = recovered
  assert.ok(snapshotIndex >= model.acknowledgedSnapshot, `snapshot ${snapshotIndex} < ${model.acknowledgedSnapshot}`)
  assert.ok(recovered.term >= model.acknowledgedTerm, `term ${recovered.term} < ${model.acknowledgedTerm}`)
  entries.forEach((entry, i) => {
    assert.equal(entry.index, snapshotIndex + 1 + i, 'entries follow one another from the snapshot on')
    assert.ok(model.written.get(entry.index)?.includes(entry.data), `entry ${entry.index} was never written so`)
  })
  const last = entries.at(-1)?.index ?? snapshotIndex
  const { acknowledgedIndex } = model
  assert.ok(last >= acknowledgedIndex, `entry ${acknowledgedIndex} was acknowledged, the log ends at ${last}`)
  assert.ok(recovered.commit <= Math.max(last, snapshotIndex))
  model.restart(entries)
}

/** One directory through several power losses; throws when something acknowledged is gone. */
function round(seed: number, prepare: (disk: SimulatedDisk) => void): void {
  const random = new Prng(seed)
  const model = new Model()
  let disk = new SimulatedDisk()
  prepare(disk)
  let rig = new WalRig(disk, OPTIONS).start()
  for (let loss = 1; loss <= LOSSES_PER_ROUND; loss++) {
    work(rig, model, random, loss)
    disk = disk.powerLoss(random)
    prepare(disk)
    rig = new WalRig(disk, OPTIONS).start()
    check(rig, model)
  }
}

test(`every acknowledged entry survives ${ROUNDS} rounds of power losses`, () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    try {
      round(seed, () => undefined)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('a power loss in the middle of a recovery loses nothing either', () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = new Prng(seed)
    const model = new Model()
    const disk = new SimulatedDisk()
    work(new WalRig(disk, OPTIONS).start(), model, random, 1)
    const once = disk.powerLoss(random)
    new WalRig(once, OPTIONS).start()
    check(new WalRig(once.powerLoss(random), OPTIONS).start(), model)
  }
})

test('the control: without syncs acknowledged entries are lost', () => {
  let lost = 0
  for (let seed = 1; seed <= 20; seed++) {
    try {
      round(seed, (disk) => {
        disk.ignoresSyncs = true
      })
    } catch {
      lost++
    }
  }
  assert.ok(lost > 10, `${lost} of 20 rounds noticed`)
})
