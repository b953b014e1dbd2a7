/** What a connection has still to send, as the pieces in which it leaves. */

/** Pieces that are together no larger leave as one. */
const JOINED_BYTES_MAX = 64 * 1024
const NOTHING: readonly Buffer[] = Object.freeze([])

export class OutputQueue {
  #pieces: Buffer[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** `piece` belongs to the queue from now on. */
  push(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  /** All of it; the queue is empty then. */
  take(): readonly Buffer[] {
    const pieces = this.#pieces
    if (pieces.length === 0) return NOTHING
    const isJoined = pieces.length > 1 && this.#bytes <= JOINED_BYTES_MAX
    const taken = isJoined ? [Buffer.concat(pieces, this.#bytes)] : pieces
    this.clear()
    return taken
  }

  clear(): void {
    this.#pieces = []
    this.#bytes = 0
  }
}
