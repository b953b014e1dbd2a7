/**
 * Remembers decoded header blocks by their exact bytes. Clients repeat themselves: after its first request of a
 * kind, a connection's blocks are the same few octets again and again.
 *
 * A block's meaning hangs on the dynamic table, so an entry counts only while the table's version is the one it
 * was decoded under; and only blocks that left the table alone are stored, since skipping the decoder skips its
 * effects too.
 */

import type { HeaderBlock } from './hpack-decoder.js'

const SLOT_COUNT = 32
/** Longer blocks are rare and cheap beside what they carry. */
const BLOCK_BYTES_MAX = 512

interface Slot {
  readonly bytes: Buffer
  readonly version: number
  readonly block: HeaderBlock
}

export class HeaderBlockCache {
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOT_COUNT).fill(undefined)

  find(bytes: Uint8Array, start: number, end: number, version: number): HeaderBlock | null {
    const slot = this.#slots[slotOf(bytes, start, end)]
    if (slot === undefined || slot.version !== version) return null
    const known = slot.bytes
    const length = known.length
    if (length !== end - start) return null
    for (let i = 0; i < length; i++) {
      if (known[i] !== bytes[start + i]) return null
    }
    return slot.block
  }

  store(
    bytes: Uint8Array,
    start: number,
    end: number,
    version: number,
    block: HeaderBlock,
  ): void {
    if (end - start > BLOCK_BYTES_MAX) return
    const copy = Buffer.from(bytes.subarray(start, end))
    this.#slots[slotOf(bytes, start, end)] = { bytes: copy, version, block }
  }
}

/** At most sixteen octets are mixed, spread over the whole block. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const stride = (length >> 4) + 1
  let hash = length
  for (let at = start; at < end; at += stride) hash = Math.imul(hash, 31) + (bytes[at] as number)
  return (hash ^ (hash >>> 8)) & (SLOT_COUNT - 1)
}
