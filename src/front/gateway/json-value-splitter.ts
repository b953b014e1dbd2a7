/** Cuts a body into its JSON objects, however it arrives, without reading them. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const ROOM_BYTES_MIN = 512
/** More is given back once nothing is in it: most streams say little, and wait. */
const ROOM_BYTES_KEPT = 4 * 1024
const NO_ROOM = Buffer.alloc(0)

export class JsonValueSplitter {
  /** What has come of the value under way and, inside `onValue`, whole values. */
  bytes: Buffer = NO_ROOM
  length = 0
  #scanned = 0
  #depth = 0
  #isInString = false
  #isEscaped = false

  /** Octets of a value that has not come whole. */
  get heldBytes(): number {
    return this.length
  }

  /** Memory that is taken for it. */
  get roomBytes(): number {
    return this.bytes.length
  }

  /**
   * Takes the next octets and tells every value that is whole: bytes[start, end). Something that is not the
   * beginning of an object is told as it is, for the reader to refuse. Stops, and keeps nothing, when `onValue`
   * returns false.
   */
  take(chunk: Buffer, onValue: (start: number, end: number) => boolean): void {
    this.#append(chunk)
    let start = 0
    while (this.#scanned < this.length) {
      const byte = this.bytes[this.#scanned++] as number
      if (this.#isInString) {
        this.#scanString(byte)
        continue
      }
      // Blanks between values are not kept.
      if (this.#depth === 0 && byte <= 0x20) start = this.#scanned
      if (byte === QUOTE) this.#isInString = true
      else if (byte === OPEN) this.#depth++
      else if (byte === CLOSE) this.#depth--
      const isOver = this.#depth === 0 && byte === CLOSE
      const isJunk = this.#depth <= 0 && !isOver && byte > 0x20
      if (!isOver && !isJunk) continue
      if (!onValue(start, isJunk ? this.length : this.#scanned) || isJunk) {
        this.clear()
        return
      }
      start = this.#scanned
    }
    this.#keepFrom(start)
  }

  /** Forgets what has come, and gives its memory back. */
  clear(): void {
    this.bytes = NO_ROOM
    this.length = this.#scanned = 0
  }

  #scanString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) this.#isInString = false
  }

  #append(chunk: Buffer): void {
    const needed = this.length + chunk.length
    if (needed > this.bytes.length) {
      const wanted = Math.min(2 * this.bytes.length, 2 * needed)
      const larger = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES_MIN, needed, wanted))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    this.length += chunk.copy(this.bytes, this.length)
  }

  #keepFrom(start: number): void {
    if (start === this.length && this.bytes.length > ROOM_BYTES_KEPT) return this.clear()
    if (start === 0) return
    this.bytes.copyWithin(0, start, this.length)
    this.length -= start
    this.#scanned -= start
  }
}
