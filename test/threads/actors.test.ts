/** Actors on real threads under a supervisor: talking, waking by themselves, stopping, failing. */

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { Supervisor } from '../../src/actor/supervisor.js'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import {
  CLOSED,
  CLOSING_OF,
  Peer,
  TIMER_MS,
  buildersFor,
  spawnBehaving,
  type Behaviour,
  type ThreadKind,
} from './behaviours.js'

const KINDS: readonly ThreadKind[] = ['blocking', 'event loop']

function supervisorOf(peer: Peer, behaviour: Behaviour, onFailure = failTest): Supervisor {
  return new Supervisor({ starts: [peer.start], inline: null, spawn: spawnBehaving(behaviour), onFailure })
}

function failTest(actor: string, cause: string): void {
  assert.fail(`${actor} failed: ${cause}`)
}

/** A supervisor and the first failure that it will report. */
function failing(peer: Peer, behaviour: Behaviour): { supervisor: Supervisor; failure: Promise<string> } {
  const reports = new EventEmitter()
  const failure = once(reports, 'failure').then(([actor, cause]) => `${actor}: ${cause}`)
  const supervisor = supervisorOf(peer, behaviour, (actor, cause) => void reports.emit('failure', actor, cause))
  return { supervisor, failure }
}

for (const kind of KINDS) {
  test(`an actor on the ${kind} thread answers every message in order, asleep in between`, async () => {
    const peer = new Peer(kind)
    const supervisor = supervisorOf(peer, 'echo')
    await supervisor.start()
    const expected: number[] = []
    for (let wave = 0; wave < 200; wave++) {
      const values = Array.from({ length: 1 + (wave % 7) }, (_, index) => wave * 10 + index)
      expected.push(...values)
      peer.say(...values)
      assert.deepEqual(await peer.hears(expected.length), expected)
    }
    await supervisor.stop()
  })

  test(`an actor on the ${kind} thread wakes at its deadline without being rung`, async () => {
    const peer = new Peer(kind)
    const supervisor = supervisorOf(peer, 'timer')
    const startedMs = performance.now()
    await supervisor.start()
    const [lateMs] = await peer.hears(1)
    assert.ok((lateMs ?? -1) >= 0, 'not before it is due')
    assert.ok(performance.now() - startedMs >= TIMER_MS)
    await supervisor.stop()
  })

  test(`an actor on the ${kind} thread answers what was sent before the stop, then closes`, async () => {
    const peer = new Peer(kind)
    const supervisor = supervisorOf(peer, 'echo')
    await supervisor.start()
    peer.say(1, 2, 3)
    await supervisor.stop()
    assert.deepEqual(await peer.hears(4), [1, 2, 3, CLOSED])
  })

  test(`the ${kind} thread whose actor never becomes idle is closed when its drain is over`, async () => {
    const peer = new Peer(kind, { drainMsMax: 50 })
    const supervisor = supervisorOf(peer, 'busy for ever')
    await supervisor.start()
    const startedMs = performance.now()
    await supervisor.stop()
    assert.ok(performance.now() - startedMs >= 50)
    assert.deepEqual(await peer.hears(1), [CLOSED])
  })

  test(`the supervisor hears an event from the ${kind} thread, before or after it asks`, async () => {
    const peer = new Peer(kind)
    const supervisor = supervisorOf(peer, 'notify')
    const before = supervisor.event('ready to be seen')
    await supervisor.start()
    await before
    await supervisor.event('ready to be seen')
    await supervisor.stop()
  })

  const failures: readonly Behaviour[] = ['throw while built', 'throw at start', 'throw while hearing', 'throw at work']
  for (const behaviour of failures) {
    test(`on the ${kind} thread, ${behaviour} is reported with the actor's name and the cause`, async () => {
      const peer = new Peer(kind)
      const { supervisor, failure } = failing(peer, behaviour)
      void supervisor.start()
      peer.say(1)
      const report = await failure
      const what = behaviour.replace('throw', 'thrown')
      assert.ok(report.startsWith(`raft: AssertionError [ERR_ASSERTION]: ${what}\n    at `), report)
      await supervisor.stop()
    })
  }
}

test('an exception outside a turn ends the thread and is reported with its name and the cause', async () => {
  const peer = new Peer('event loop')
  const { supervisor, failure } = failing(peer, 'throw outside a turn')
  await supervisor.start()
  peer.say(1)
  assert.match(await failure, /^raft-thread: AssertionError .*thrown outside a turn/)
  await supervisor.stop()
})

test('threads stop in the order that requests travel, the log last, whatever order they were started in', async () => {
  const { start, words } = new Peer('blocking')
  const names = ['wal', 'mvcc', 'raft', 'lease', 'watch'] as const
  const actors = names.map((name, thread) => ({ name, index: 0, thread }))
  const doorbells = names.map(() => allocateDoorbell())
  const starts = names.map((name, threadIndex) => {
    return { ...start, threadIndex, threadName: name, actors, doorbells, rings: [], eventLoop: threadIndex % 2 === 0 }
  })
  const supervisor = new Supervisor({
    starts,
    inline: null,
    spawn: spawnBehaving('note the closing'),
    onFailure: failTest,
  })
  await supervisor.start()
  await supervisor.stop()
  const places = names.map((name, thread): [number, string] => [words.load(CLOSING_OF + thread), name])
  assert.deepEqual(places.toSorted(([a], [b]) => a - b).map(([, name]) => name), [
    'watch', 'lease', 'raft', 'mvcc', 'wal',
  ])
})

test('an actor on an event loop offers control calls, one on a blocking thread does not', async () => {
  const [looping, blocking] = [new Peer('event loop'), new Peer('blocking')]
  const supervisors = [supervisorOf(looping, 'echo'), supervisorOf(blocking, 'echo')] as const
  for (const supervisor of supervisors) await supervisor.start()
  const control = supervisors[0].control<{ double(value: number): number }>('raft', 0)
  assert.equal(await control.double(21), 42)
  assert.throws(() => supervisors[1].control('raft', 0), /offers no control calls/)
  for (const supervisor of supervisors) await supervisor.stop()
})

test('the same actor runs inline, on the thread of its supervisor', async () => {
  const peer = new Peer('event loop')
  const supervisor = new Supervisor({ starts: [peer.start], inline: buildersFor('echo'), onFailure: failTest })
  await supervisor.start()
  peer.say(1, 2)
  assert.deepEqual(await peer.hears(2), [1, 2])
  await supervisor.stop()
  assert.deepEqual(await peer.hears(3), [1, 2, CLOSED])
})
