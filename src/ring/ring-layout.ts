/**
 * Every offset of the ring's memory. The algorithm lives in ring-writer.ts and ring-reader.ts.
 *
 * ```
 * byte 0                128              256                  384                512              512 + capacity
 * +--------------------+----------------+--------------------+------------------+----------------------------+
 * | tail (writer's)    | head (reader's)| writer's counters  | reader's counters| data, capacity bytes       |
 * +--------------------+----------------+--------------------+------------------+----------------------------+
 *
 * record, 8-byte aligned:   | length u32 | type u32 | payload, length bytes | 0..7 bytes to the next multiple of 8 |
 * padding record:           | length u32 | PADDING  | unused up to the end of the data                             |
 * ```
 *
 * Head and tail are byte positions that count up modulo 2^32 and never wrap at the capacity, so that full (tail - head
 * = capacity) and empty (tail = head) differ. Each stands alone on two cache lines, because processors prefetch lines
 * in pairs and a shared line would make writer and reader slow one another.
 */

export const TAIL_WORD = 0
export const HEAD_WORD = 128 / 4
export const WRITER_COUNTERS = 256 / 8
export const READER_COUNTERS = 384 / 8
export const HEADER_BYTES = 512

export const RECORD_HEADER_BYTES = 8
export const RECORD_ALIGNMENT = 8
export const PADDING_TYPE = 0xffff_ffff

export const CAPACITY_BYTES_MIN = 1024
export const CAPACITY_BYTES_MAX = 0x4000_0000

/** Positions in the writer's counters, as float64. */
export const WriterCounter = Object.freeze({ records: 0, bytes: 1, full: 2, highWaterBytes: 3, publishes: 4, wakes: 5 })
/** Positions in the reader's counters, as float64. */
export const ReaderCounter = Object.freeze({ records: 0, bytes: 1, batches: 2 })

/**
 * Bytes of shared memory for a ring whose data area is `capacityBytes`. Throws RangeError unless a power of two in
 * range.
 */
export function ringBytes(capacityBytes: number): number {
  const powerOfTwo = (capacityBytes & (capacityBytes - 1)) === 0
  if (!powerOfTwo || capacityBytes < CAPACITY_BYTES_MIN || capacityBytes > CAPACITY_BYTES_MAX) {
    throw new RangeError(
      `ring capacity ${capacityBytes} is not a power of two in [${CAPACITY_BYTES_MIN}, ${CAPACITY_BYTES_MAX}]`,
    )
  }
  return HEADER_BYTES + capacityBytes
}

/**
 * The longest payload one record may have: half the data area, so that a record always fits an empty ring at any
 * position.
 */
export function recordBytesMax(capacityBytes: number): number {
  return capacityBytes / 2 - RECORD_HEADER_BYTES
}

/** Zeroed shared memory for one ring. */
export function allocateRing(capacityBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ringBytes(capacityBytes))
}

/** A payload length with its header, rounded up to the alignment. */
export function recordSpan(payloadBytes: number): number {
  return (RECORD_HEADER_BYTES + payloadBytes + (RECORD_ALIGNMENT - 1)) & ~(RECORD_ALIGNMENT - 1)
}
