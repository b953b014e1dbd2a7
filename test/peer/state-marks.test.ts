/** What a member's store has come to reaches the others. */

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { PeerWord } from '../../src/metrics/peer-page.js'
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
