/** Preloaded into a server: once the log has synced what mvcc has applied meanwhile, its commit takes 0.1 s. */

import { SharedWords } from '../../src/messages/shared-words.js'
import { threadName } from '../stages/thread-name.js'

const DELAY_MS = 100

if (threadName().startsWith('mvcc')) {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  const { awaitAtLeast } = SharedWords.prototype
  SharedWords.prototype.awaitAtLeast = function (...args): boolean {
    const isThere = awaitAtLeast.apply(this, args)
    if (isThere) Atomics.wait(pause, 0, 0, DELAY_MS)
    return isThere
  }
}
