/**
 * One doorbell per reading thread, shared by all rings it reads. A writer rings only when the reader has said that it
 * is about to sleep, so that a busy reader costs writers one atomic load.
 *
 * The order that loses no wake-up: the reader loads the counter, stores parked = 1, looks at every ring once more, and
 * only then waits for the counter to differ from the value loaded. A writer publishes first and looks at parked
 * afterwards. Either the reader's second look sees the record, or the writer's look sees parked.
 */

const COUNTER_WORD = 0
const PARKED_WORD = 32
const WAKES_WORD = 64
const PARKS_WORD = 65

export const DOORBELL_BYTES = 512

export function allocateDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(DOORBELL_BYTES)
}

export class Doorbell {
  readonly #words: Int32Array
  #outstanding = false

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  /** Writer: wakes the reader if it sleeps. Call after publishing. Returns true if a wake-up was sent. */
  ring(): boolean {
    const words = this.#words
    if (Atomics.load(words, PARKED_WORD) === 0) return false
    if (Atomics.exchange(words, PARKED_WORD, 0) === 0) return false
    Atomics.add(words, COUNTER_WORD, 1)
    Atomics.notify(words, COUNTER_WORD)
    Atomics.add(words, WAKES_WORD, 1)
    return true
  }

  /**
   * Reader, on a thread that may block: sleeps until rung or `timeoutMs` have passed, unless `hasWork` says that
   * something came meanwhile.
   */
  park(timeoutMs: number, hasWork: () => boolean): void {
    const words = this.#words
    const seen = Atomics.load(words, COUNTER_WORD)
    Atomics.store(words, PARKED_WORD, 1)
    if (!hasWork()) {
      words[PARKS_WORD] = ((words[PARKS_WORD] as number) + 1) | 0
      Atomics.wait(words, COUNTER_WORD, seen, timeoutMs)
    }
    Atomics.store(words, PARKED_WORD, 0)
  }

  /**
   * Reader, on an event loop: arranges for `wake` to be called when rung. Returns false, having arranged nothing, if
   * `hasWork` says that something came meanwhile. At most one wait is outstanding however often this is called, because
   * abandoned waiters are never freed by the engine.
   */
  parkAsync(hasWork: () => boolean, wake: () => void): boolean {
    const words = this.#words
    const seen = Atomics.load(words, COUNTER_WORD)
    Atomics.store(words, PARKED_WORD, 1)
    if (hasWork()) {
      Atomics.store(words, PARKED_WORD, 0)
      return false
    }
    if (this.#outstanding) return true
    const wait = Atomics.waitAsync(words, COUNTER_WORD, seen)
    if (!wait.async) {
      Atomics.store(words, PARKED_WORD, 0)
      return false
    }
    this.#outstanding = true
    words[PARKS_WORD] = ((words[PARKS_WORD] as number) + 1) | 0
    void wait.value.then(() => {
      this.#outstanding = false
      wake()
    })
    return true
  }

  /**
   * Reader whose turns somebody else arranges: says that it sleeps. False, and nothing said, if `hasWork` says that
   * something came meanwhile. Once rung it is awake again.
   */
  sayAsleep(hasWork: () => boolean): boolean {
    Atomics.store(this.#words, PARKED_WORD, 1)
    if (!hasWork()) return true
    Atomics.store(this.#words, PARKED_WORD, 0)
    return false
  }

  get isAsleep(): boolean {
    return Atomics.load(this.#words, PARKED_WORD) === 1
  }

  /** Reader: says that it is awake, so that writers need not ring. */
  stayAwake(): void {
    Atomics.store(this.#words, PARKED_WORD, 0)
  }

  /** Wake-ups sent by writers since the start, modulo 2^32. */
  get wakes(): number {
    return Atomics.load(this.#words, WAKES_WORD) >>> 0
  }

  /** Times the reader went to sleep since the start, modulo 2^32. */
  get parks(): number {
    return Atomics.load(this.#words, PARKS_WORD) >>> 0
  }
}
