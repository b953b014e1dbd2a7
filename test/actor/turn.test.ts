/** A turn: hear what waits, work once, publish, give the memory back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INBOX_BATCH_MAX, type Inbox } from '../../src/actor/inbox.js'
import { runUntilQuiet } from '../../src/actor/inline-runner.js'
import { Outbox } from '../../src/actor/outbox.js'
import { Turn } from '../../src/actor/turn.js'
import type { Clock } from '../../src/base/clock.js'
import type { Sender } from '../../src/messages/protocol.js'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { ScriptedActor, sayerOf, type SayMessages } from './scripted-actor.js'

const DATA = new Uint8Array(16)

/** A clock that moves when told. */
class HandClock implements Clock {
  now = 1000
  nowMs(): number {
    return this.now
  }
  wallMs(): number {
    return this.now
  }
}

/** A ring into an inbox; what is sent waits until the writer is published. */
function edge(inbox: Inbox, from = 0, capacity = 64 * 1024): { writer: RingWriter; sayer: Sender<SayMessages> } {
  const memory = allocateRing(capacity)
  inbox.add(new RingReader(memory), from)
  const writer = new RingWriter(memory)
  return { writer, sayer: sayerOf(writer) }
}

test('a turn hears all rings in order, then works once', () => {
  const log: string[] = []
  const turn = new Turn(new HandClock())
  const inbox = turn.add(
    new ScriptedActor('raft', {
      onStart: (nowMs) => log.push(`start ${nowMs}`),
      onSay: (value, from) => log.push(`say ${value} from ${from}`),
      doWork: (nowMs) => log.push(`work ${nowMs}`),
    }),
  )
  const [a, b] = [edge(inbox, 0), edge(inbox, 3)]
  turn.start()
  a.sayer.say({ value: 1, data: DATA })
  a.sayer.say({ value: 2, data: DATA })
  b.sayer.say({ value: 3, data: DATA })
  a.writer.publish()
  b.writer.publish()
  turn.run()
  assert.deepEqual(log, ['start 1000', 'say 1 from 0', 'say 2 from 0', 'say 3 from 3', 'work 1000'])
})

test('an actor is asked whether it is blocked only when a record is there, and before each one', () => {
  const log: string[] = []
  let publishLate = (): void => undefined
  const turn = new Turn(new HandClock())
  const inbox = turn.add(
    new ScriptedActor('mvcc', {
      isBlocked: () => {
        log.push('asked')
        publishLate()
        publishLate = () => undefined
        return false
      },
      onSay: (value) => log.push(`say ${value}`),
    }),
  )
  const { writer, sayer } = edge(inbox)
  turn.start()
  turn.run()
  assert.deepEqual(log, [])
  publishLate = () => {
    sayer.say({ value: 2, data: DATA })
    writer.publish()
  }
  sayer.say({ value: 1, data: DATA })
  writer.publish()
  turn.run()
  assert.deepEqual(log, ['asked', 'say 1', 'asked', 'say 2'])
})

test('a message between neighbours on one thread arrives in the turn that sent it', () => {
  const heard: number[] = []
  const turn = new Turn(new HandClock())
  const first: { sayer?: Sender<SayMessages> } = {}
  turn.add(new ScriptedActor('front', { doWork: () => (first.sayer?.say({ value: 7, data: DATA }) === true ? 1 : 0) }))
  const inbox = turn.add(new ScriptedActor('raft', { onSay: (value) => heard.push(value) }))
  const { writer, sayer } = edge(inbox)
  first.sayer = sayer
  turn.outbox.add(writer, null)
  turn.run()
  assert.deepEqual(heard, [7])
})

test('what a turn did is its result, and nothing done is zero', () => {
  const turn = new Turn(new HandClock())
  const inbox = turn.add(new ScriptedActor('raft', {}))
  const { writer, sayer } = edge(inbox)
  assert.equal(turn.run(), 0)
  sayer.say({ value: 1, data: DATA })
  writer.publish()
  assert.equal(turn.run(), 1)
})

test('memory of what was heard is returned after the work, not before', () => {
  const turn = new Turn(new HandClock())
  const free: number[] = []
  const rig: { writer?: RingWriter } = {}
  const note = (): number => free.push(rig.writer?.freeBytes ?? -1)
  const inbox = turn.add(new ScriptedActor('raft', { onSay: note, doWork: note }))
  const { writer, sayer } = edge(inbox, 0, 1024)
  rig.writer = writer
  sayer.say({ value: 1, data: DATA })
  writer.publish()
  turn.run()
  assert.ok(free.every((bytes) => bytes < 1024))
  assert.equal(writer.freeBytes, 1024)
})

test('a blocked actor leaves its inbox as it is', () => {
  let blocked = true
  const heard: number[] = []
  const turn = new Turn(new HandClock())
  const inbox = turn.add(new ScriptedActor('raft', { isBlocked: () => blocked, onSay: (value) => heard.push(value) }))
  const { writer, sayer } = edge(inbox)
  sayer.say({ value: 1, data: DATA })
  writer.publish()
  assert.equal(turn.run(), 0)
  assert.equal(turn.hasWork(), false, 'it would spin on work that it cannot take')
  blocked = false
  assert.equal(turn.hasWork(), true)
  turn.run()
  assert.deepEqual(heard, [1])
})

test('an actor that becomes blocked while hearing hears no more', () => {
  const heard: number[] = []
  const turn = new Turn(new HandClock())
  const script = { isBlocked: () => heard.length >= 2, onSay: (value: number) => heard.push(value) }
  const { writer, sayer } = edge(turn.add(new ScriptedActor('raft', script)))
  for (let value = 0; value < 5; value++) sayer.say({ value, data: DATA })
  writer.publish()
  turn.run()
  assert.deepEqual(heard, [0, 1])
})

test('one ring gives a bounded batch, then the actor works and the other rings have their turn', () => {
  const log: number[] = []
  const turn = new Turn(new HandClock())
  const inbox = turn.add(new ScriptedActor('raft', { onSay: (_, from) => log.push(from), doWork: () => log.push(-1) }))
  const [busy, quiet] = [edge(inbox, 1, 1024 * 1024), edge(inbox, 2)]
  for (let value = 0; value <= INBOX_BATCH_MAX; value++) busy.sayer.say({ value, data: DATA })
  quiet.sayer.say({ value: 0, data: DATA })
  busy.writer.publish()
  quiet.writer.publish()
  turn.run()
  assert.equal(log.filter((from) => from === 1).length, INBOX_BATCH_MAX)
  assert.deepEqual(log.slice(-2), [2, -1])
  assert.equal(turn.hasWork(), true)
})

test('a turn asked for from inside a turn is served by the running one', () => {
  const turn = new Turn(new HandClock())
  let depth = 0
  turn.add(
    new ScriptedActor('front', {
      doWork: () => {
        depth++
        assert.equal(depth, 1)
        assert.equal(turn.run(), 1)
        depth--
        return 0
      },
    }),
  )
  assert.equal(turn.run(), 0)
})

test('a word that an actor waits for counts as work', () => {
  let came = false
  const turn = new Turn(new HandClock())
  turn.add(new ScriptedActor('front', { awaitedWordCame: () => came }))
  assert.equal(turn.hasWork(), false)
  came = true
  assert.equal(turn.hasWork(), true)
})

test('the earliest deadline of all actors is when a thread wakes', () => {
  const turn = new Turn(new HandClock())
  assert.equal(turn.wakeAtMs(), Infinity)
  for (const wakeAtMs of [500, 300, Infinity]) turn.add(new ScriptedActor('raft', { wakeAtMs: () => wakeAtMs }))
  assert.equal(turn.wakeAtMs(), 300)
})

test('a thread is idle when no actor owes anything and no message waits', () => {
  let owes = true
  const turn = new Turn(new HandClock())
  const { writer, sayer } = edge(turn.add(new ScriptedActor('raft', { isIdle: () => !owes })))
  assert.equal(turn.isIdle(), false)
  owes = false
  assert.equal(turn.isIdle(), true)
  sayer.say({ value: 1, data: DATA })
  writer.publish()
  assert.equal(turn.isIdle(), false)
})

test('what is sent at the start and at the end is published', () => {
  const target = allocateRing(1024)
  const writer = new RingWriter(target)
  const sayer = sayerOf(writer)
  const say = (value: number) => (): void => void sayer.say({ value, data: DATA })
  const turn = new Turn(new HandClock())
  turn.add(new ScriptedActor('raft', { onStart: say(1), onClose: say(2) }))
  turn.outbox.add(writer, null)
  const reader = new RingReader(target)
  turn.start()
  assert.equal(reader.next(), true)
  turn.close()
  assert.equal(reader.next(), true)
})

test('whoever throws is known by name afterwards', () => {
  const turn = new Turn(new HandClock())
  turn.add(new ScriptedActor('front', {}))
  turn.add(new ScriptedActor('wal', { doWork: () => assert.fail('disk on fire') }))
  turn.add(new ScriptedActor('mvcc', {}))
  assert.equal(turn.activeName, null)
  turn.start()
  assert.throws(() => turn.run(), /disk on fire/)
  assert.equal(turn.activeName, 'wal')
})

test('the longest turn is remembered', () => {
  const clock = new HandClock()
  const turn = new Turn(clock)
  const steps = [5, 20, 1]
  turn.add(new ScriptedActor('raft', { doWork: () => (clock.now += steps.shift() ?? 0) }))
  for (let i = 0; i < 3; i++) turn.run()
  assert.equal(turn.longestMs, 20)
  assert.equal(turn.turns, 3)
})

test('a flush rings each doorbell once and only for rings that had something', () => {
  const outbox = new Outbox()
  const bells = [allocateDoorbell(), allocateDoorbell()]
  const writers = [0, 0, 1].map((bell) => {
    const writer = new RingWriter(allocateRing(1024))
    outbox.add(writer, new Doorbell(bells[bell]!))
    return sayerOf(writer)
  })
  const readers = bells.map((memory) => new Doorbell(memory))
  for (const reader of readers) reader.parkAsync(() => false, () => undefined)
  writers[0]!.say({ value: 1, data: DATA })
  writers[1]!.say({ value: 1, data: DATA })
  assert.equal(outbox.flush(), 2)
  assert.deepEqual(readers.map((reader) => reader.wakes), [1, 0])
  assert.equal(outbox.flush(), 0)
})

test('actors that feed one another for ever are found out', () => {
  const turn = new Turn(new HandClock())
  turn.add(new ScriptedActor('raft', { doWork: () => 1 }))
  assert.throws(() => runUntilQuiet(turn, 50), /still busy after 50 turns/)
})

test('a quiet node needs no turn', () => {
  const turn = new Turn(new HandClock())
  turn.add(new ScriptedActor('raft', {}))
  assert.equal(runUntilQuiet(turn), 0)
})
