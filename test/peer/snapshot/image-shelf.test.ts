/** Which image serves whom, how many there are, and how fast they leave. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImageShelf, type ImageFacts } from '../../../src/peer/snapshot/image-shelf.js'
import { RateLimit } from '../../../src/peer/snapshot/rate-limit.js'

/** Images that are made when the test says so. */
class Shelf {
  readonly asked: number[] = []
  readonly removed: string[] = []
  readonly shelf: ImageShelf
  #finish: ((outcome: number | Error) => void)[] = []

  constructor() {
    this.shelf = new ImageShelf({
      make: (index) => {
        this.asked.push(index)
        const path = `image ${this.asked.length}`
        return new Promise((resolve, reject) => {
          this.#finish.push((outcome) => {
            if (typeof outcome === 'number') resolve(image(path, outcome))
            else reject(outcome)
          })
        })
      },
      remove: ({ path }) => this.removed.push(path),
    })
  }

  /** The image that is being made turns out to be at this index. */
  async made(outcome: number | Error): Promise<void> {
    await settled()
    this.#finish.shift()?.(outcome)
    await settled()
  }
}

function image(path: string, index: number): ImageFacts {
  return { path, sizeBytes: 1, pageBytes: 4096, index, term: 1, confState: new Uint8Array(0) }
}

function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

test('who asks at the same time shares an image, which holds enough for all', async () => {
  const rig = new Shelf()
  const asked = [rig.shelf.ask(5), rig.shelf.ask(9)]
  await rig.made(12)
  const leases = await Promise.all(asked)
  assert.deepEqual(rig.asked, [9])
  assert.deepEqual(leases.map((lease) => lease.image.index), [12, 12])
  leases[0]?.release()
  assert.deepEqual(rig.removed, [])
  leases[1]?.release()
  assert.deepEqual(rig.removed, ['image 1'])
  assert.equal(rig.shelf.count, 0)
})

test('who asks while one is being made waits for the next', async () => {
  const rig = new Shelf()
  const first = rig.shelf.ask(5)
  await settled()
  const second = rig.shelf.ask(6)
  await rig.made(5)
  await rig.made(8)
  assert.deepEqual([(await first).image.index, (await second).image.index], [5, 8])
  assert.deepEqual(rig.asked, [5, 6])
})

test('there are two images at most: a third waits until one is gone', async () => {
  const rig = new Shelf()
  const first = rig.shelf.ask(1)
  await rig.made(1)
  void rig.shelf.ask(2)
  await rig.made(2)
  void rig.shelf.ask(3)
  await settled()
  assert.deepEqual(rig.asked, [1, 2])
  assert.equal(rig.shelf.count, 2)
  ;(await first).release()
  await settled()
  assert.deepEqual(rig.asked, [1, 2, 3])
})

test('an image that cannot be made fails those who wait for it, and no others', async () => {
  const rig = new Shelf()
  const first = rig.shelf.ask(1)
  await settled()
  const second = rig.shelf.ask(2)
  const failed = assert.rejects(first, /disk/)
  await rig.made(new Error('the disk is full'))
  await failed
  await rig.made(2)
  assert.equal((await second).image.index, 2)
  assert.equal(rig.shelf.count, 1)
})

test('bytes wait for as long as the bound says', () => {
  const rate = new RateLimit(1_000_000, 0)
  assert.equal(rate.take(256 * 1024, 0), 0)
  assert.equal(rate.take(1000, 0), 1)
  assert.equal(rate.take(1000, 1), 1)
  assert.equal(rate.take(1000, 1000), 0)
  const free = new RateLimit(Infinity, 0)
  assert.equal(free.take(1e12, 0), 0)
})

test('over a minute as many bytes leave as the bound says', () => {
  const rate = new RateLimit(64_000_000, 0)
  let nowMs = 0
  let bytes = 0
  while (nowMs < 60_000) {
    nowMs += rate.take(131_080, nowMs)
    bytes += 131_080
  }
  assert.ok(Math.abs(bytes / 60 - 64_000_000) < 200_000, `${bytes / 60} bytes per second`)
})
