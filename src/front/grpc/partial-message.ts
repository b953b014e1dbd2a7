/** A message that did not fit in one DATA frame, prefix included, while its rest is on the way. */

import { readUint32 } from '../http2/frame-reader.js'
import { MESSAGE_PREFIX_BYTES } from './grpc-stream.js'

/** Memory grows with what has come, never with what was announced. */
const ROOM_BYTES_MIN = 1024

export class PartialMessage {
  bytes: Buffer
  length = 0
  /** Whole size as far as it is known. */
  #wanted = MESSAGE_PREFIX_BYTES

  constructor() {
    this.bytes = Buffer.allocUnsafe(ROOM_BYTES_MIN)
  }

  /** Memory held, which is what its connection is charged for. */
  get heldBytes(): number {
    return this.bytes.length
  }

  get hasPrefix(): boolean {
    return this.length >= MESSAGE_PREFIX_BYTES
  }

  get isWhole(): boolean {
    return this.hasPrefix && this.length === this.#wanted
  }

  get flag(): number {
    return this.bytes[0] as number
  }

  get messageLength(): number {
    return readUint32(this.bytes, 1)
  }

  /** Takes what is missing of the prefix, or of the message behind it, and returns the offset behind what it took. */
  take(source: Buffer, start: number, end: number): number {
    const count = Math.min(end - start, this.#wanted - this.length)
    this.#makeRoom(this.length + count)
    source.copy(this.bytes, this.length, start, start + count)
    this.length += count
    return start + count
  }

  /** Called once, when the prefix has come and its length was found good. */
  expectMessage(): void {
    this.#wanted = MESSAGE_PREFIX_BYTES + this.messageLength
  }

  #makeRoom(needed: number): void {
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * this.bytes.length, this.#wanted)))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
