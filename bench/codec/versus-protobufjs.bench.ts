/**
 * Our codecs and views beside protobufjs, one message shape after another: nanoseconds for each call and the ratio.
 * Exits with 1 when protobufjs wins anywhere. Run: node dist/bench/codec/versus-protobufjs.bench.js
 */

import { cpus } from 'node:os'
import { codecs } from '../../src/proto/generated/registry.js'
import { PutRequestView } from '../../src/proto/hot/put-request-view.js'
import { RaftBody, raftRequestSize, RaftRequestView, writeRaftRequest } from '../../src/proto/hot/raft-request.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { protobufjsRoot } from '../../test/proto/protobufjs-root.js'

scriptOptions({ does: 'The codecs beside protobufjs, one shape of message after another.' })

const ROUNDS = 7
const ROUND_MS = 25

interface Contest {
  readonly name: string
  readonly ours: () => unknown
  readonly theirs: () => unknown
}

/** What a call gave last, so that no optimiser finds it useless. */
let sink: unknown

const root = protobufjsRoot()
const key = Buffer.from('/registry/pods/default/web-7d4b9c')
const value = Buffer.alloc(256, 0x61)
const kv = { key, create_revision: 1_000_001, mod_revision: 1_000_777, version: 12, value, lease: 0n }
const header = { cluster_id: 0xcdf818194e3a8c32n, member_id: 0x8e9e05c52164694dn, revision: 1_000_777, raft_term: 3 }
const put = { key, value, lease: 0x694d8e9e05c521n }
const entry = { Type: 0, Term: 3, Index: 123_456, Data: Buffer.alloc(300, 1) }

const SHAPES: Readonly<Record<string, object>> = {
  'etcdserverpb.PutRequest': put,
  'etcdserverpb.PutResponse': { header },
  'etcdserverpb.RangeRequest': { key, revision: 1_000_000 },
  'etcdserverpb.RangeResponse': { header, kvs: new Array(20).fill(kv), count: 20 },
  'etcdserverpb.TxnRequest': {
    compare: [{ result: 0, target: 2, key, mod_revision: 1_000_000 }],
    success: [{ request_put: put }],
    failure: [{ request_range: { key } }],
  },
  'etcdserverpb.WatchResponse': { header, watch_id: 7, events: new Array(10).fill({ kv }) },
  'etcdserverpb.InternalRaftRequest': { put, header: { ID: 0x8e9e05c52164694dn } },
  'raftpb.Message': {
    type: 3, to: 2n, from: 1n, term: 3, logTerm: 3, index: 123_455, entries: new Array(8).fill(entry), commit: 123_400,
  },
}

function main(): void {
  process.stdout.write(`${cpus()[0]?.model ?? 'cpu'}, Node ${process.version}\n`)
  const columns = [['ours', 8], ['protobufjs', 12], ['ratio', 8]] as const
  process.stdout.write(`${'ns each'.padEnd(46)}${columns.map(([name, width]) => name.padStart(width)).join('')}\n`)
  for (const contest of contests()) {
    const [ours, theirs] = measure(contest)
    const ratio = theirs / ours
    const figures = `${ours.toFixed(0).padStart(8)}${theirs.toFixed(0).padStart(12)}${ratio.toFixed(2).padStart(7)}x`
    process.stdout.write(`${contest.name.padEnd(46)}${figures}\n`)
    if (ratio < 1) process.exitCode = 1
  }
}

function contests(): Contest[] {
  const list: Contest[] = []
  for (const [name, message] of Object.entries(SHAPES)) {
    const ours = codecs.get(name)
    if (ours === undefined) throw new Error(name)
    const theirs = root.lookupType(name)
    const bytes = Buffer.from(ours.encode(message))
    const plain = theirs.decode(bytes)
    list.push({ name: `encode ${name}`, ours: () => ours.encode(message), theirs: () => theirs.encode(plain).finish() })
    list.push({ name: `peek ${name}`, ours: () => ours.peek(bytes), theirs: () => theirs.decode(bytes) })
  }
  return [...list, ...viewContests()]
}

function viewContests(): Contest[] {
  const list: Contest[] = []
  const views = [
    ['etcdserverpb.PutRequest', new PutRequestView()],
    ['etcdserverpb.InternalRaftRequest', new RaftRequestView()],
  ] as const
  for (const [name, view] of views) {
    const bytes = Buffer.from(codecs.get(name)?.encode(SHAPES[name] ?? kv) ?? [])
    const theirs = root.lookupType(name)
    list.push({
      name: `view ${name}`,
      ours: () => view.decode(bytes, 0, bytes.length),
      theirs: () => theirs.decode(bytes),
    })
  }
  const body = Buffer.from(codecs.get('etcdserverpb.PutRequest')?.encode(put) ?? [])
  const request = root.lookupType('etcdserverpb.InternalRaftRequest')
  const id = { low: 0x2164694d, high: 0x0e9e05c5, unsigned: true }
  const plain = { put: root.lookupType('etcdserverpb.PutRequest').decode(body), header: { ID: id } }
  const out = new Uint8Array(1024)
  list.push({
    name: 'wrap a put as an entry',
    ours: () => {
      const size = raftRequestSize(id.high, id.low, RaftBody.put, body.length)
      return size + writeRaftRequest(out, 0, id.high, id.low, RaftBody.put, body, 0, body.length)
    },
    theirs: () => request.encode(plain).finish(),
  })
  return list
}

/** Nanoseconds of each side: the median of rounds taken in turn. */
function measure(contest: Contest): [number, number] {
  const ours: number[] = []
  const theirs: number[] = []
  time(contest.ours)
  time(contest.theirs)
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(time(contest.ours))
    theirs.push(time(contest.theirs))
  }
  return [median(ours), median(theirs)]
}

function time(call: () => unknown): number {
  const start = performance.now()
  let elapsed = 0
  let count = 0
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 200; i++) sink = call()
    count += 200
    elapsed = performance.now() - start
  }
  return (elapsed * 1e6) / count
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

main()
if (sink === main) process.exitCode = 2
