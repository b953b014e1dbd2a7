/**
 * The last stream numbers that a connection closed. A frame for one of them may have crossed our END_STREAM or
 * RST_STREAM on the wire, or follow the peer's own; a frame for an older or never-used number is an error either way.
 */

const COUNT = 256

export const CLOSED_BY_PEER = 1
export const CLOSED_BY_US = 2
export type ClosedBy = 0 | typeof CLOSED_BY_PEER | typeof CLOSED_BY_US

export class RecentStreams {
  /** Negative numbers stand for streams that the peer had ended before we forgot them. */
  readonly #ring = new Int32Array(COUNT)
  #next = 0

  add(streamId: number, isEndedByPeer: boolean): void {
    this.#ring[this.#next] = isEndedByPeer ? -streamId : streamId
    this.#next = (this.#next + 1) % COUNT
  }

  /** 0 when the number is not among the recent ones. */
  find(streamId: number): ClosedBy {
    const ring = this.#ring
    for (let i = 0; i < COUNT; i++) {
      if (ring[i] === streamId) return CLOSED_BY_US
      if (ring[i] === -streamId) return CLOSED_BY_PEER
    }
    return 0
  }
}
