/** What a member's store has come to reaches the others. */

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { PeerWord } from '../../src/metrics/peer-page.js'
import { FEATURES } from '../../src/peer/streams/handshake.js'
import { PeerRig, membersOf, portOf } from './peer-rig.js'

const A = 0xan
const B = 0xbn

const rigs: PeerRig[] = []

afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.stop()))
})

test('the newest mark is told once, to whoever is there', async () => {
  const members = await membersOf(A, B)
  for (const own of members) rigs.push(await PeerRig.start({ id: own.id, members, port: portOf(own) }))
  const [a, b] = rigs as [PeerRig, PeerRig]
  await Promise.all([a.untilActive(B), b.untilActive(A)])
  const heard = (): number | undefined => b.page.find(A)?.get(PeerWord.stateMark)
  assert.equal(heard(), 0)
  for (const mark of [2 ** 40 + 7, 2 ** 41 + 9]) {
    a.mark = mark
    a.send(B, 'something else')
    await b.untilSeen(`mark ${mark}`, () => heard() === mark)
  }
  await b.until('two messages', () => b.heard.length === 2)
})

/** Another release: it knows of no marks, or tells marks of another kind. */
for (const features of [[], ['state-marks-0', 'other']]) {
  test(`a member with the features "${features.join(' ')}" is told no marks, and its own are not heard`, async () => {
    const members = await membersOf(A, B)
    for (const own of members) {
      const port = portOf(own)
      rigs.push(await PeerRig.start({ id: own.id, members, port, features: own.id === B ? features : FEATURES }))
    }
    const [a, b] = rigs as [PeerRig, PeerRig]
    await Promise.all([a.untilActive(B), b.untilActive(A)])
    for (const [from, to, at] of [[a, B, b], [b, A, a]] as const) {
      from.mark = 2 ** 40 + 7
      from.send(to, 'behind the mark')
      await at.until('the message', () => at.heard.length === 1)
      assert.equal(at.page.find(from.id)?.get(PeerWord.stateMark), 0)
    }
    assert.ok(!rigs.some(({ log }) => log.some((line) => line.includes('has ended'))))
  })
}

test('what a member told before it came back in another release is forgotten', async () => {
  const members = await membersOf(A, B)
  const [first, second] = members as [(typeof members)[0], (typeof members)[0]]
  const a = await PeerRig.start({ id: A, members, port: portOf(first) })
  const before = await PeerRig.start({ id: B, members, port: portOf(second) })
  rigs.push(a)
  await Promise.all([a.untilActive(B), before.untilActive(A)])
  before.mark = 2 ** 40 + 7
  before.send(A, 'behind the mark')
  await a.untilSeen('the mark', () => a.page.find(B)?.get(PeerWord.stateMark) === before.mark)
  await before.stop()
  const after = await PeerRig.start({ id: B, members, port: portOf(second), features: [] })
  rigs.push(after)
  await after.untilActive(A)
  await a.untilSeen('its end', () => a.page.find(B)?.get(PeerWord.stateMark) === 0)
})
