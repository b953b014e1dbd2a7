/**
 * Keeps a process from ending while one of its threads loads a native package. Node ends the threads first, and a
 * thread that is ended in the middle of such a load aborts the whole process: the exit code and the last words, which
 * said why it stops, would be lost to a SIGABRT and a stack trace.
 */

import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

/** Words of the memory that all threads of a process share. */
const LOADING = 0
const CLOSED = 1
const WORDS = 2

/** A load takes some tens of milliseconds; one that takes this long will not come to an end. */
const NATIVE_LOAD_MS_MAX = 5000

/** Node hands environment data on to every thread that is spawned afterwards, and to theirs. */
const KEY = 'raftring native loads'

/** Called where threads are spawned, before the first. */
export function shareNativeLoads(): void {
  if (!isMainThread || shared() !== null) return
  setEnvironmentData(KEY, new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  process.on('exit', endNativeLoads)
}

/** A thread that comes too late waits here for its end. */
export function nativeLoadBegins(): void {
  const words = isMainThread ? null : shared()
  if (words === null) return
  Atomics.add(words, LOADING, 1)
  if (Atomics.load(words, CLOSED) === 0) return
  leave(words)
  Atomics.wait(words, CLOSED, 1)
}

export function nativeLoadEnds(): void {
  const words = isMainThread ? null : shared()
  if (words !== null) leave(words)
}

/** Blocks while threads load, and lets no further load begin: what follows is the end of the process. */
function endNativeLoads(): void {
  const words = shared() as Int32Array
  Atomics.store(words, CLOSED, 1)
  awaitNativeLoads()
}

/** Blocks while threads load, as long as that may take. */
export function awaitNativeLoads(): void {
  const words = shared()
  if (words === null) return
  for (;;) {
    const loading = Atomics.load(words, LOADING)
    if (loading === 0 || Atomics.wait(words, LOADING, loading, NATIVE_LOAD_MS_MAX) === 'timed-out') return
  }
}

function leave(words: Int32Array): void {
  Atomics.sub(words, LOADING, 1)
  Atomics.notify(words, LOADING)
}

function shared(): Int32Array | null {
  const memory = getEnvironmentData(KEY)
  return memory instanceof SharedArrayBuffer ? new Int32Array(memory) : null
}
