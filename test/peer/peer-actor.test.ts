/** Members that talk over real sockets: each actor with its own port, in one process. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, request, type IncomingMessage } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import type { MemberRecord } from '../../src/cluster/member-record.js'
import { PeerWord } from '../../src/metrics/peer-page.js'
import { localAddressOf } from '../../src/peer/streams/dial-socket.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { CLUSTER, LIMITS, PeerRig, closed, member, membersOf, portOf, type PeerRigOptions } from './peer-rig.js'

const A = 0xan
const B = 0xbn
const C = 0xcn

const rigs: PeerRig[] = []

afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.stop()))
})

async function start(options: PeerRigOptions): Promise<PeerRig> {
  const rig = await PeerRig.start(options)
  rigs.push(rig)
  return rig
}

async function stop(rig: PeerRig): Promise<void> {
  rigs.splice(rigs.indexOf(rig), 1)
  await rig.stop()
}

function startMember(
  members: readonly MemberRecord[],
  id: bigint,
  more: Partial<PeerRigOptions> = {},
): Promise<PeerRig> {
  const own = members.find((it) => it.id === id) as MemberRecord
  return start({ id, members, port: portOf(own), ...more })
}

async function pair(more: Partial<PeerRigOptions> = {}): Promise<{ a: PeerRig; b: PeerRig; members: MemberRecord[] }> {
  const members = await membersOf(A, B)
  const a = await startMember(members, A, more)
  const b = await startMember(members, B, more)
  await Promise.all([a.untilActive(B), b.untilActive(A)])
  a.lost.length = 0
  return { a, b, members }
}

test('messages arrive both ways, in order, on both streams', async () => {
  const { a, b } = await pair()
  for (let i = 0; i < 100; i++) a.send(B, `urgent ${i}`)
  for (let i = 0; i < 100; i++) a.send(B, `append ${i}`, false)
  b.send(A, 'back')
  await a.until('the answer', () => a.heard.includes('back'))
  await b.until('200 messages', () => b.heard.length === 200)
  const numbered = (name: string): string[] => Array.from({ length: 100 }, (_, i) => `${name} ${i}`)
  assert.deepEqual(b.heard.filter((text) => text.startsWith('urgent')), numbered('urgent'))
  assert.deepEqual(b.heard.filter((text) => text.startsWith('append')), numbered('append'))
  assert.deepEqual(a.lost, [])
})

test('a message of many chunks arrives whole', async () => {
  const { a, b } = await pair()
  const long = 'x'.repeat(400_000)
  a.send(B, long, false)
  a.send(B, 'after it', false)
  await b.until('both', () => b.heard.length === 2)
  assert.equal(b.heard[0], long)
})

test('a member that is not there is reported lost; what is sent after it has come arrives', async () => {
  const members = await membersOf(A, B)
  const a = await startMember(members, A)
  await a.untilLogged('cannot reach a member')
  a.send(B, 'too early')
  await a.until('the loss', () => a.lost.includes(B))
  const b = await startMember(members, B)
  await a.untilActive(B)
  a.send(B, 'now')
  await b.until('the message', () => b.heard.includes('now'))
})

test('raft hears when entries can be sent to a member, and when not', async () => {
  const { a, b, members } = await pair()
  const isOpen = (): boolean | undefined => a.ways.findLast(([id]) => id === B)?.[1]
  await a.until('the way', () => isOpen() === true)
  assert.deepEqual(a.ways[0], [B, false], 'before the first stream there is none')
  await stop(b)
  await a.until('the cut', () => isOpen() === false)
  await startMember(members, B)
  await a.until('the way again', () => isOpen() === true)
})

test('streams come back after the other member has restarted', async () => {
  const { a, b, members } = await pair()
  await stop(b)
  await a.untilLogged('peer became inactive')
  assert.equal(a.page.find(B)?.get(PeerWord.activeSinceMs), 0)
  a.log.length = 0
  const again = await startMember(members, B)
  await Promise.all([a.untilActive(B), again.untilActive(A)])
  a.send(B, 'again')
  again.send(A, 'back again')
  await again.until('the message', () => again.heard.includes('again'))
  await a.until('the message', () => a.heard.includes('back again'))
  assert.equal(a.page.find(B)?.get(PeerWord.disconnects), 1)
})

test('a member of another cluster is refused, and both logs say why', async () => {
  const members = await membersOf(A, B)
  const a = await startMember(members, A)
  const b = await startMember(members, B, { clusterId: CLUSTER + 1n })
  await a.untilLogged('412 cluster ID mismatch')
  await b.untilLogged('"reason":"cluster ID mismatch"')
  a.send(B, 'never')
  await a.until('the loss', () => a.lost.includes(B))
  assert.deepEqual(b.heard, [])
})

test('a member that was removed is refused for good and hears of it', async () => {
  const { a, b, members } = await pair()
  const [own] = members
  a.tellMembers([own as MemberRecord], [B])
  await b.until('the news', () => b.removals > 0)
  await b.untilLogged('410 removed member')
  a.send(B, 'nobody')
  await a.until('the loss', () => a.lost.includes(B))
  assert.equal(a.page.find(B)?.get(PeerWord.isKnown), 0)
  assert.deepEqual(b.heard, [])
})

test('a stream that is meant for another member is refused', async () => {
  const members = await membersOf(A, B)
  const a = await startMember(members, A)
  // Where B should be, C listens.
  await start({ id: C, members: [], port: portOf(members[1] as MemberRecord) })
  await a.untilLogged('412 to field mismatch')
})

test('a member that this one does not know yet is listened to and answered', async () => {
  const [own, other] = await membersOf(A, B)
  const a = await startMember([own as MemberRecord], A)
  const b = await startMember([own as MemberRecord, other as MemberRecord], B)
  await Promise.all([a.untilActive(B), b.untilActive(A)])
  b.send(A, 'hello')
  await a.until('the message', () => a.heard.includes('hello'))
  a.send(B, 'welcome')
  await b.until('the answer', () => b.heard.includes('welcome'))
  assert.equal(a.page.find(B)?.get(PeerWord.isKnown), 0)
  a.tellMembers([own as MemberRecord, other as MemberRecord])
  a.send(B, 'member')
  await b.until('the message', () => b.heard.includes('member'))
  assert.equal(a.page.find(B)?.get(PeerWord.isKnown), 1)
})

test('a member that moves is dialed at its new URL', async () => {
  const { a, b, members } = await pair()
  await stop(b)
  const [own] = members
  const [moved] = await membersOf(B)
  a.log.length = 0
  const there = await startMember([own as MemberRecord, moved as MemberRecord], B)
  a.tellMembers([own as MemberRecord, moved as MemberRecord])
  await a.untilActive(B)
  a.send(B, 'at the new place')
  await there.until('the message', () => there.heard.includes('at the new place'))
})

test('a member with several URLs is reached at the one that works', async () => {
  const [own, other] = await membersOf(A, B)
  const [dead] = await membersOf(C)
  const both = { ...(other as MemberRecord), peerUrls: [...(dead?.peerUrls ?? []), ...(other?.peerUrls ?? [])] }
  const a = await startMember([own as MemberRecord, both], A)
  await startMember([own as MemberRecord, other as MemberRecord], B)
  await a.untilActive(B)
})

test('members of one machine talk over unix sockets', async () => {
  const directory = temporaryDirectory()
  const members = [A, B].map((id) => {
    return { ...member(id, 1), peerUrls: [`unix://${directory.path(`${id}.sock`)}`] }
  })
  const [a, b] = await Promise.all(members.map(({ id, peerUrls }) => {
    return start({ id, members, path: (peerUrls[0] as string).slice('unix://'.length) })
  })) as [PeerRig, PeerRig]
  await Promise.all([a.untilActive(B), b.untilActive(A)])
  a.send(B, 'over a path')
  await b.until('the message', () => b.heard.includes('over a path'))
  await Promise.all([stop(a), stop(b)])
  directory.remove()
})

test('while raft has no room entries wait on their stream, urgent messages are dropped and counted', async () => {
  const { a, b } = await pair()
  b.hasRoom = false
  a.send(B, 'entry', false)
  a.send(B, 'heartbeat')
  await b.untilSeen('the drop', () => (b.page.find(A)?.get(PeerWord.receivedFailures) ?? 0) > 0)
  b.hasRoom = true
  await b.until('the entry', () => b.heard.includes('entry'))
  assert.deepEqual(b.heard, ['entry'])
})

test('a receiver that reads nothing costs its sender bounded memory, and urgent messages pass it by', async () => {
  const { a, b } = await pair()
  b.hasRoom = false
  const entry = Buffer.alloc(100_000)
  let sent = 0
  // Kernel buffers first, then ours.
  while (a.lost.length === 0 && sent < 1000) {
    a.send(B, entry, false)
    sent++
    await new Promise(setImmediate)
  }
  assert.ok(sent < 1000, `${sent} entries were taken`)
  b.hasRoom = true
  a.send(B, 'heartbeat')
  await b.until('the heartbeat', () => b.heard.includes('heartbeat'))
})

test('a half-open connection is noticed, by who sends and by who hears', async () => {
  const limits = { ...LIMITS, times: { ...LIMITS.times, patienceMs: 400 } }
  const members = await membersOf(A, B)
  const held: Socket[] = []
  // Takes the upgrade and never says another word.
  const mute = createServer((socket) => {
    held.push(socket)
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raftring\r\n' +
          'X-Etcd-Cluster-ID: c1\r\nX-Server-From: b\r\nX-Raftring-Protocol: 1\r\n\r\n',
      )
      socket.resume()
    })
  }).listen(portOf(members[1] as MemberRecord), '127.0.0.1')
  await once(mute, 'listening')
  const a = await startMember(members, A, { limits })
  await a.untilActive(B)
  await a.untilLogged('no sign of life for 400 ms')
  for (const socket of held) socket.destroy()
  mute.close()

  const silent = await a.connect()
  silent.write(upgradeRequest('message', { 'X-Server-From': 'b' }))
  const [answer] = (await once(silent, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /)
  await once(silent, 'close')
  await a.untilLogged('nothing heard for 400 ms')
})

test('garbage on the port ends its own connection and nothing else', async () => {
  const { a, b } = await pair()
  const halves = Buffer.from('GET / HTTP/1.1\r\nx'.repeat(5000))
  for (const bytes of [Buffer.alloc(100_000, 0xee), halves, Buffer.from([0])]) {
    const socket = await a.connect()
    const end = closed(socket)
    socket.end(bytes)
    await end
  }
  for (const body of [Buffer.alloc(64, 0xff), Buffer.from('not a frame at all'), Buffer.alloc(12)]) {
    const socket = await a.connect()
    socket.write(upgradeRequest('append', { 'X-Server-From': 'c', 'X-PeerURLs': 'http://127.0.0.1:1' }))
    await once(socket, 'data')
    const end = closed(socket)
    socket.end(body)
    await end
  }
  b.send(A, 'still here')
  await a.until('the message', () => a.heard.includes('still here'))
  assert.deepEqual(a.heard, ['still here'])
})

test('an etcd server hears that it does not fit, and the log says so', async () => {
  const members = await membersOf(A)
  const a = await startMember(members, A)
  for (const [method, path] of [['POST', '/raft'], ['GET', '/raft/stream/msgapp/b'], ['POST', '/raft/snapshot']]) {
    const call = request({ port: a.port, host: '127.0.0.1', method, path, agent: false })
    call.end('x')
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 412)
    assert.equal(await textOf(response), 'incompatible version\n')
  }
  await a.untilLogged('an etcd server asks for the protocol of its own members')
})

test('a body that nobody reads does not hold its connection', async () => {
  const members = await membersOf(A)
  const a = await startMember(members, A)
  const socket = await a.connect()
  const end = closed(socket)
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += String(chunk)
  })
  socket.write('POST /members HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegun')
  await end
  assert.match(answer, /^HTTP\/1\.1 405 /)
})

test('members and version are told to who asks, with the cluster id', async () => {
  const members = await membersOf(A, B)
  const a = await startMember(members, A)
  const response = await page(a, '/members')
  assert.equal(response.headers['x-etcd-cluster-id'], 'c1')
  assert.deepEqual(JSON.parse(await textOf(response)), [
    { id: 10, peerURLs: members[0]?.peerUrls, name: 'n10' },
    { id: 11, peerURLs: members[1]?.peerUrls, name: 'n11' },
  ])
  const undecided = { etcdserver: '3.7.1', etcdcluster: 'not_decided', storage: 'unknown' }
  assert.deepEqual(JSON.parse(await textOf(await page(a, '/version'))), undecided)
  a.tellMembers([member(A, a.port)])
  assert.deepEqual(JSON.parse(await textOf(await page(a, '/members'))).length, 1)
  const version = async (): Promise<unknown> => JSON.parse(await textOf(await page(a, '/version')))
  assert.deepEqual(await version(), { etcdserver: '3.7.1', etcdcluster: '3.7.0', storage: '3.7.0' })
  assert.equal((await page(a, '/health')).statusCode, 404)
})

test('round trips are measured, and who is reached since when is known', async () => {
  const { a } = await pair({ limits: LIMITS })
  const slot = a.page.find(B)
  await a.untilSeen('a pong', () => (slot?.roundTrips().reduce((sum, count) => sum + count, 0) ?? 0) > 0)
  assert.ok((slot?.get(PeerWord.activeSinceMs) ?? 0) > 0)
  assert.deepEqual(a.page.activeFor(0, Infinity), [B])
})

test('calls come from the advertised address when that is wanted', async () => {
  const urls = ['http://node:1', 'http://127.0.0.1:1', 'http://0.0.0.0:1', 'http://10.1.2.3:1']
  assert.equal(localAddressOf(urls), '10.1.2.3')
  assert.equal(localAddressOf(['http://[::1]:1', 'http://[2001:db8::7]:1']), '2001:db8::7')
  assert.equal(localAddressOf(['http://localhost:1']), null)
  const members = await membersOf(A, B)
  await startMember(members, A, { localAddress: '127.0.0.2' })
  const b = await startMember(members, B, { clusterId: CLUSTER + 1n })
  await b.untilLogged('"remote-addr":"127.0.0.2"')
})

test('a port that is taken is one clear line', async () => {
  const members = await membersOf(A)
  const a = await startMember(members, A)
  await assert.rejects(
    PeerRig.start({ id: B, port: a.port }),
    (error: Error) => error.message === `listen tcp 127.0.0.1:${a.port}: bind: address already in use`,
  )
})

function page(rig: PeerRig, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port: rig.port, host: '127.0.0.1', path, agent: false }, resolve).on('error', reject)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

function upgradeRequest(kind: string, fields: Readonly<Record<string, string>>): string {
  const all = {
    Host: 'a',
    Connection: 'Upgrade',
    Upgrade: 'raftring',
    'X-Etcd-Cluster-ID': 'c1',
    'X-Raft-To': 'a',
    'X-Server-Version': '3.7.1',
    'X-Min-Cluster-Version': '3.0.0',
    'X-Raftring-Protocol': '1',
    ...fields,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET /raftring/stream/${kind} HTTP/1.1\r\n${lines.join('')}\r\n`
}
