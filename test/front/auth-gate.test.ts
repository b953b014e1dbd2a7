/** What the gate of a front does while users and tokens change under it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slice } from '../../src/base/slice.js'
import { utf8 } from '../../src/base/bytes.js'
import { AuthGate, type AuthGateOptions } from '../../src/front/auth/auth-gate.js'
import type { GrpcCall } from '../../src/front/grpc/grpc-call.js'
import { GrpcMetadata } from '../../src/front/grpc/grpc-metadata.js'
import { InnerCall } from '../../src/front/locks/inner-call.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'

const STAMP = 11
const NO_KEYS = { covers: () => false }
const EMPTY = Buffer.alloc(0)

/** mvcc stores the next stamp behind the n-th look at it. */
class MovingWords extends SharedWords {
  looksLeft = Infinity

  override load(word: number): number {
    const value = super.load(word)
    if (word === Word.authStamp && --this.looksLeft === 0) this.store(word, value + 2)
    return value
  }
}

class Rig {
  readonly words = new MovingWords(allocateWords())
  readonly failed: number[] = []
  readonly delivered: GrpcCall[] = []
  readonly gate: AuthGate

  constructor() {
    this.words.store(Word.authStamp, STAMP)
    const options = {
      context: {
        words: this.words,
        config: { authTokenTtlMs: 60_000, clientTls: null },
        clock: { nowMs: () => 0, wallMs: () => 0 },
      },
      proposer: { heardMs: 0, patienceMs: 1000, fail: (_: GrpcCall, error: number) => this.failed.push(error) },
      reads: { whenFresh: () => undefined },
      jwt: null,
      deliver: (call: GrpcCall) => this.delivered.push(call),
    }
    this.gate = new AuthGate(options as unknown as AuthGateOptions)
    this.gate.work(0)
    this.gate.access.enabled = true
    this.gate.access.revision = (STAMP - 1) / 2
    this.gate.access.known = () => ({ isRoot: true, roles: [], read: NO_KEYS, write: NO_KEYS }) as never
  }

  assign(token: string): void {
    const slice = (text: string): Slice => new Slice().at(utf8(text), 0, text.length)
    this.gate.onTokenAssigned({ user: slice('root'), token: slice(token) } as never, 0)
  }

  /** True when it went on at once. */
  ask(token: string): boolean {
    const behalf = { metadata: new GrpcMetadata([{ name: 'token', value: token }]), certificateName: '' } as never
    const method = '/etcdserverpb.Lease/LeaseGrant'
    const call = new InnerCall({ method, behalf, nowMs: 0, onNews: () => undefined })
    return !this.gate.stops(call, EMPTY, 0, 0)
  }
}

test('a message waits or goes on, and is never refused, at whatever moment the users change', () => {
  for (let looks = 1; looks <= 8; looks++) {
    const rig = new Rig()
    rig.assign('known')
    rig.words.looksLeft = looks
    rig.ask('known')
    assert.deepEqual(rig.failed, [], `after look ${looks}`)
  }
})

test('a token that is still on its way from another front is waited for once', () => {
  const rig = new Rig()
  assert.equal(rig.ask('fresh'), false)
  assert.deepEqual(rig.failed, [])
  rig.assign('fresh')
  rig.gate.work(0)
  assert.equal(rig.delivered.length, 1)
  assert.equal(rig.ask('unknown'), false)
  rig.gate.work(0)
  assert.deepEqual(rig.failed, [etcdErrors.invalidAuthToken.id])
})
