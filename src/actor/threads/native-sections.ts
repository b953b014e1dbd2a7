/**
 * Keeps a process from ending while one of its threads is where it must not be ended. Node ends the threads first. One
 * that is ended while it loads a native package aborts the whole process: the exit code and the last words, which said
 * why it stops, would be lost to a SIGABRT and a stack trace. One that is ended with a write transaction of lmdb open
 * leaves its lock to nobody, and the package's own clean-up waits for it for ever.
 */

import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

/** Words of the memory that all threads of a process share. */
const INSIDE = 0
const CLOSED = 1
const WORDS = 2

/** A load takes some tens of milliseconds; what takes this long will not come to an end. */
const SECTION_MS_MAX = 5000

/** Node hands environment data on to every thread that is spawned afterwards, and to theirs. */
const KEY = 'raftring native sections'

/** Called where threads are spawned, before the first. */
export function shareNativeSections(): void {
  if (!isMainThread || shared() !== null) return
  setEnvironmentData(KEY, new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  process.on('exit', endNativeSections)
}

/** A thread that comes too late waits here for its end. */
export function nativeSectionBegins(): void {
  const words = isMainThread ? null : shared()
  if (words === null) return
  Atomics.add(words, INSIDE, 1)
  if (Atomics.load(words, CLOSED) === 0) return
  leave(words)
  Atomics.wait(words, CLOSED, 1)
}

export function nativeSectionEnds(): void {
  const words = isMainThread ? null : shared()
  if (words !== null) leave(words)
}

/** Blocks while threads are inside, and lets none in any more: what follows is the end of the process. */
function endNativeSections(): void {
  const words = shared() as Int32Array
  Atomics.store(words, CLOSED, 1)
  awaitNativeSections()
}

/** Blocks while threads are inside, as long as that may take. */
export function awaitNativeSections(): void {
  const words = shared()
  if (words === null) return
  for (;;) {
    const inside = Atomics.load(words, INSIDE)
    if (inside === 0 || Atomics.wait(words, INSIDE, inside, SECTION_MS_MAX) === 'timed-out') return
  }
}

function leave(words: Int32Array): void {
  Atomics.sub(words, INSIDE, 1)
  Atomics.notify(words, INSIDE)
}

/** What a thread was handed at its start stays; transactions ask often. */
let known: Int32Array | null = null

function shared(): Int32Array | null {
  if (known !== null) return known
  const memory = getEnvironmentData(KEY)
  known = memory instanceof SharedArrayBuffer ? new Int32Array(memory) : null
  return known
}
