/** Power cuts at the level of pages, while store files follow one another. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../../src/base/prng.js'
import { Word } from '../../../src/messages/shared-words.js'
import { readableContents } from './readable-contents.js'
import { MvccRig } from '../support/mvcc-rig.js'
import type { RequestSpec } from '../support/requests.js'
import { PowerLossDisk } from './power-loss-disk.js'

const ROUNDS = Number(process.env['ROUNDS'] ?? 6)
const SEED = Number(process.env['SEED'] ?? 20)
/** Files are made smaller again and again; checkpoints come in between. */
const LIMITS = {
  spareBytesMax: 32 * 1024, spareFactorMax: 1.2, spareHeldMs: 0, shrinkPauseMs: 0, checkpointMs: 1500,
  syncAheadBytes: 300_000,
}

function requestOf(prng: Prng, revision: number): RequestSpec {
  const key = `key ${prng.between(0, 400)}`
  if (prng.chance(0.1)) return { kind: 'delete', range: { key, end: 'key 9' } }
  if (prng.chance(0.05) && revision > 2) return { kind: 'compact', revision: prng.between(1, revision) }
  return { kind: 'put', put: { key, value: 'v'.repeat(prng.chance(0.05) ? 20_000 : prng.between(0, 900)) } }
}

test(`whatever pages a power cut loses, no entry is lost, ${ROUNDS} rounds, seed ${SEED}`, () => {
  const prng = new Prng(SEED)
  const disk = new PowerLossDisk(prng)
  const rig = new MvccRig({ disk, limits: LIMITS })
  const twin = new MvccRig()
  let switches = 0
  for (let round = 0; round < ROUNDS; round++) {
    const first = rig.words.load(Word.storeGeneration)
    const turns = prng.between(0, 400)
    for (let turn = 0; turn < turns; turn++) {
      if (prng.chance(0.8)) rig.send(requestOf(prng, rig.words.load(Word.currentRevision)))
      rig.clock.advance(prng.pick([0, 0, 1, 5, 60]))
      rig.node.turn.run()
    }
    switches += rig.words.load(Word.storeGeneration) - first
    rig.crash()
    for (const entry of rig.log.slice(twin.log.length)) {
      twin.log.push(entry)
      assert.ok(twin.node.apply(entry, 0))
      twin.run()
    }
    rig.pass(5000)
    twin.pass(5000)
    assert.deepEqual(readableContents(rig.node.switching), readableContents(twin.node.switching), `round ${round}`)
  }
  assert.ok(switches >= ROUNDS / 6, `${switches} files followed one another`)
  const { lost, kept } = disk.pages
  assert.ok(lost > 10 && kept > 10, `${lost} pages lost, ${kept} kept`)
  rig.close()
  twin.close()
})
