/** The doorbell on one thread: who rings when, and what parking promises. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'

const nothing = (): boolean => false
const something = (): boolean => true

test('a reader that is awake is not rung', () => {
  const doorbell = new Doorbell(allocateDoorbell())
  assert.equal(doorbell.ring(), false)
  assert.equal(doorbell.wakes, 0)
})

test('a reader that sees work while parking does not sleep', () => {
  const doorbell = new Doorbell(allocateDoorbell())
  doorbell.park(60_000, something)
  assert.equal(doorbell.parks, 0)
  assert.equal(doorbell.ring(), false, 'it is awake again')
})

test('a writer that publishes while the reader looks for the last time wakes it', () => {
  const memory = allocateDoorbell()
  const reader = new Doorbell(memory)
  const writer = new Doorbell(memory)
  // The look happens after the reader has said that it parks, so a ring from inside it must end the wait at once.
  reader.park(60_000, () => {
    assert.equal(writer.ring(), true)
    return false
  })
  assert.equal(reader.wakes, 1)
})

test('parking ends after the given time', () => {
  const doorbell = new Doorbell(allocateDoorbell())
  doorbell.park(1, nothing)
  assert.equal(doorbell.parks, 1)
  assert.equal(doorbell.wakes, 0)
})

test('only the first of several rings wakes', () => {
  const memory = allocateDoorbell()
  const writers = [new Doorbell(memory), new Doorbell(memory)]
  const reader = new Doorbell(memory)
  const rung: boolean[] = []
  reader.park(60_000, () => {
    for (const writer of writers) rung.push(writer.ring())
    return false
  })
  assert.deepEqual(rung, [true, false])
})

test('an event loop that parks is called when rung, once', async () => {
  const memory = allocateDoorbell()
  const reader = new Doorbell(memory)
  const writer = new Doorbell(memory)
  let wakes = 0
  await new Promise<void>((resolve) => {
    assert.equal(
      reader.parkAsync(nothing, () => {
        wakes++
        resolve()
      }),
      true,
    )
    assert.equal(writer.ring(), true)
    assert.equal(writer.ring(), false)
  })
  assert.equal(wakes, 1)
})

test('an event loop that parks again keeps one wait, which the next ring ends', async () => {
  const memory = allocateDoorbell()
  const reader = new Doorbell(memory)
  const writer = new Doorbell(memory)
  const wakes: string[] = []
  await new Promise<void>((resolve) => {
    reader.parkAsync(nothing, () => {
      wakes.push('first')
      resolve()
    })
    // Woken by something else, a socket say, and going back to sleep.
    reader.stayAwake()
    assert.equal(writer.ring(), false)
    assert.equal(
      reader.parkAsync(nothing, () => wakes.push('second')),
      true,
    )
    assert.equal(writer.ring(), true)
  })
  assert.deepEqual(wakes, ['first'])
  assert.equal(reader.parks, 1)
})

test('an event loop that sees work while parking does not sleep', () => {
  const doorbell = new Doorbell(allocateDoorbell())
  assert.equal(
    doorbell.parkAsync(something, () => assert.fail('it was not asleep')),
    false,
  )
  assert.equal(doorbell.ring(), false)
})

test('a writer that publishes while an event loop looks for the last time wakes it', () => {
  const memory = allocateDoorbell()
  const reader = new Doorbell(memory)
  const writer = new Doorbell(memory)
  const slept = reader.parkAsync(
    () => {
      assert.equal(writer.ring(), true)
      return false
    },
    () => assert.fail('the wait never began'),
  )
  assert.equal(slept, false)
})
