/** etcdserverpb.DeleteRangeRequest, looked at in place. */

import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { ProtoReader } from '../proto-reader.js'
import { malformed } from './decode-guard.js'

const KNOWN: readonly number[] = [1, 2, 3]

/** One object serves many requests; ranges are offsets in `bytes` and live as long as those do. */
export class DeleteRangeRequestView {
  bytes: Bytes = EMPTY_BYTES
  keyStart = 0
  keyEnd = 0
  rangeEndStart = 0
  rangeEndEnd = 0
  prevKv = false
  readonly #reader = new ProtoReader()

  /** False when bytes[start, end) is not a DeleteRangeRequest; the fields then mean nothing. */
  decode(bytes: Bytes, start: number, end: number): boolean {
    this.bytes = bytes
    this.keyStart = this.keyEnd = this.rangeEndStart = this.rangeEndEnd = start
    this.prevKv = false
    try {
      this.#reader.open(bytes, start, end)
      this.#read(this.#reader, end)
      return true
    } catch (error) {
      return malformed(error)
    }
  }

  #read(r: ProtoReader, end: number): void {
    while (r.at < end) {
      const tag = r.tag()
      switch (tag) {
        case 10:
          this.keyEnd = r.skipDelimited(end)
          this.keyStart = r.skippedFrom
          break
        case 18:
          this.rangeEndEnd = r.skipDelimited(end)
          this.rangeEndStart = r.skippedFrom
          break
        case 24:
          this.prevKv = r.bool()
          break
        default:
          r.skipUnknown(tag, end, KNOWN)
      }
    }
    r.leave(end)
  }
}
