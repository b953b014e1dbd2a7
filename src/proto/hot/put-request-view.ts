/** etcdserverpb.PutRequest, looked at in place: where its fields are, without copying them. */

import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { idOfHalves, ProtoReader } from '../proto-reader.js'
import { malformed } from './decode-guard.js'

const KNOWN: readonly number[] = [1, 2, 3, 4, 5, 6]

/** One object serves many requests; ranges are offsets in `bytes` and live as long as those do. */
export class PutRequestView {
  bytes: Bytes = EMPTY_BYTES
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  /** Unsigned halves of the lease id; both 0 when there is none. */
  leaseHigh = 0
  leaseLow = 0
  prevKv = false
  ignoreValue = false
  ignoreLease = false
  readonly #reader = new ProtoReader()

  /** False when bytes[start, end) is not a PutRequest; the fields then mean nothing. */
  decode(bytes: Bytes, start: number, end: number): boolean {
    this.bytes = bytes
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = start
    this.leaseHigh = this.leaseLow = 0
    this.prevKv = this.ignoreValue = this.ignoreLease = false
    try {
      this.#reader.open(bytes, start, end)
      this.#read(this.#reader, end)
      return true
    } catch (error) {
      return malformed(error)
    }
  }

  leaseId(): bigint {
    return idOfHalves(this.leaseHigh, this.leaseLow)
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
          this.valueEnd = r.skipDelimited(end)
          this.valueStart = r.skippedFrom
          break
        case 24:
          r.varint()
          this.leaseHigh = r.high
          this.leaseLow = r.low
          break
        case 32:
          this.prevKv = r.bool()
          break
        case 40:
          this.ignoreValue = r.bool()
          break
        case 48:
          this.ignoreLease = r.bool()
          break
        default:
          r.skipUnknown(tag, end, KNOWN)
      }
    }
    r.leave(end)
  }
}
