/**
 * Preloaded into every thread of a server: what the file named by DELAYED_STAGE names is where the thread sleeps for
 * 50 ms, in the midst of that stage's work. `fsync@m2` is for the member of that name alone.
 */

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { memberName, threadName } from './thread-name.js'
import { Outbox } from '../../src/actor/outbox.js'
import type { ThreadStart } from '../../src/actor/thread-start.js'
import { Turn } from '../../src/actor/turn.js'
import { AuthAccess } from '../../src/auth/auth-access.js'
import { KvService } from '../../src/front/kv/kv-service.js'
import { SharedWords, Word } from '../../src/messages/shared-words.js'
import { EntryApplier } from '../../src/mvcc/apply/apply-entry.js'
import { MvccActor } from '../../src/mvcc/mvcc-actor.js'
import { PutRequestView } from '../../src/proto/hot/put-request-view.js'
import { RaftCore } from '../../src/raft/core/raft-core.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { GenerationReader } from '../../src/store/generations/generation-reader.js'
import { LogWriter } from '../../src/wal/log-writer.js'
import { WalActor } from '../../src/wal/wal-actor.js'

export const DELAY_MS = 50

const told = process.env['DELAYED_STAGE'] ?? ''
const pause = new Int32Array(new SharedArrayBuffer(4))

function isTold(stage: string): boolean {
  try {
    const words = readFileSync(told, 'utf8').split(' ')
    return words.includes(stage) || words.includes(`${stage}@${memberName()}`)
  } catch {
    // Nobody has asked for a delay yet.
    return false
  }
}

/** On threads whose name begins so, the method sleeps before it does its work; when `isDue`, if that is given. */
function delay<T extends object>(
  stage: string,
  thread: string,
  prototype: T,
  method: keyof T & string,
  isDue: (self: T, args: readonly unknown[]) => boolean = () => true,
): void {
  if (!threadName().startsWith(thread)) return
  const work = prototype[method] as (...args: unknown[]) => unknown
  const slow = function (this: T, ...args: unknown[]): unknown {
    if (isDue(this, args) && isTold(stage)) Atomics.wait(pause, 0, 0, DELAY_MS)
    return work.apply(this, args)
  }
  Object.defineProperty(prototype, method, { value: slow, configurable: true, writable: true })
}

delay('decode', 'front', PutRequestView.prototype, 'decode')
delay('auth', 'front', AuthAccess.prototype, 'check')
// A front tells raft of nothing but proposals, so what it has written to the ring is on its way to raft.
let hasProposed = false
if (threadName().startsWith('front')) {
  const { commit } = RingWriter.prototype
  RingWriter.prototype.commit = function (length: number): void {
    hasProposed = true
    commit.call(this, length)
  }
}
delay('queue_raft', 'front', Outbox.prototype, 'flush', () => {
  const isDue = hasProposed
  hasProposed = false
  return isDue
})
delay('propose', 'raft', RaftCore.prototype, 'proposeOne')
delay('wal_queue', 'wal', WalActor.prototype, 'onAppend')
delay('write', 'wal', LogWriter.prototype, 'write', (log) => log.pendingBytes > 0)
delay('fsync', 'wal', LogWriter.prototype, 'sync')
// The first look at this word after a sync: wal tells what is durable by it.
let hasSynced = false
if (threadName() === 'wal') {
  const { sync } = LogWriter.prototype
  LogWriter.prototype.sync = function (): void {
    sync.call(this)
    hasSynced = true
  }
}
delay('commit', 'wal', SharedWords.prototype, 'load', (_, [word]) => {
  const isDue = hasSynced && word === Word.commitsWhenDurable
  if (isDue) hasSynced = false
  return isDue
})
delay('apply_queue', 'mvcc', MvccActor.prototype, 'onApply')
delay('apply', 'mvcc', EntryApplier.prototype, 'apply')
// A lone put's answer is there while the log is synced; the front's first turn after that takes it up.
if (threadName().startsWith('front')) {
  const words = new SharedWords((workerData as ThreadStart).words)
  let answered = 0
  delay('answer_queue', 'front', Turn.prototype, 'run', () => {
    const newest = words.load(Word.answeredEarly)
    if (newest === answered || words.load(Word.durableIndex) < newest) return false
    answered = newest
    return true
  })
}
delay('encode', 'front', KvService.prototype, 'onPutApplied')
delay('send', 'front', Socket.prototype, 'write')
delay('read_decode', 'front', KvService.prototype, 'range')
delay('read_index', 'front', GenerationReader.prototype, 'newest')
delay('read', 'front', KvService.prototype, 'answerRange')
delay('read_send', 'front', Socket.prototype, 'write')
