/**
 * A protobuf codec for tests, driven by field tables and written apart from the server's own codecs
 * on purpose: a mistake made once in `src/proto` must not be able to agree with itself here.
 */

/**
 * What a field may hold. `int` is a 64-bit integer that fits a number, `id` a signed and `uid` an
 * unsigned bigint.
 */
interface ScalarOut {
  readonly bytes: Buffer
  readonly string: string
  readonly bool: boolean
  readonly int: number
  readonly id: bigint
  readonly uid: bigint
}
interface ScalarIn {
  readonly bytes: Uint8Array | string
  readonly string: string
  readonly bool: boolean
  readonly int: number | bigint
  readonly id: bigint
  readonly uid: bigint
}

export interface Codec<In, Out> {
  encode(value: In): Buffer
  decode(bytes: Uint8Array): Out
}

type FieldType = keyof ScalarOut | Codec<never, unknown>
type Field = readonly [number, FieldType] | readonly [number, FieldType, 'many']
type Fields = Readonly<Record<string, Field>>

type InOf<T> = T extends keyof ScalarIn
  ? ScalarIn[T]
  : T extends Codec<infer I, unknown>
    ? I
    : never
type OutOf<T> = T extends keyof ScalarOut
  ? ScalarOut[T]
  : T extends Codec<never, infer O>
    ? O | undefined
    : never
type MessageIn<F extends Fields> = {
  readonly [K in keyof F]?:
    | (F[K] extends readonly [number, infer T, 'many'] ? readonly InOf<T>[] : InOf<F[K][1]>)
    | undefined
}
type MessageOut<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends readonly [number, infer T, 'many']
    ? NonNullable<OutOf<T>>[]
    : OutOf<F[K][1]>
}

export type Input<C> = C extends Codec<infer I, unknown> ? I : never
export type Output<C> = C extends Codec<never, infer O> ? O : never

/**
 * A codec for the message with these fields. Absent scalars decode to their proto3 default, absent
 * messages to undefined.
 */
export function message<const F extends Fields>(fields: F): Codec<MessageIn<F>, MessageOut<F>> {
  const byNumber = new Map(
    Object.entries(fields).map(([name, field]) => [field[0], { name, field }]),
  )
  return {
    encode(value) {
      const parts: Uint8Array[] = []
      for (const [name, field] of Object.entries(fields)) {
        const held: unknown = (value as Record<string, unknown>)[name]
        // Defaults stay off the wire, as with every proto3 encoder.
        if (held !== undefined && !isDefault(held)) encodeField(parts, field, held)
      }
      return Buffer.concat(parts)
    },
    decode(bytes) {
      const out: Record<string, unknown> = {}
      for (const [name, field] of Object.entries(fields)) out[name] = emptyOf(field)
      const reader = new WireReader(bytes)
      while (!reader.atEnd()) {
        const tag = Number(reader.varint())
        const known = byNumber.get(tag >>> 3)
        if (known === undefined) reader.skip(tag & 7)
        else decodeField(reader, tag & 7, known.name, known.field, out)
      }
      return out as MessageOut<F>
    },
  }
}

/** A codec that is looked up when used, so that messages may contain themselves. */
export function lazy<In, Out>(codec: () => Codec<In, Out>): Codec<In, Out> {
  return { encode: (value) => codec().encode(value), decode: (bytes) => codec().decode(bytes) }
}

function isDefault(held: unknown): boolean {
  return held === 0 || held === 0n || held === '' || held === false || isEmptyBytes(held)
}

function isEmptyBytes(held: unknown): boolean {
  return held instanceof Uint8Array && held.length === 0
}

function encodeField(parts: Uint8Array[], field: Field, held: unknown): void {
  const [number, type, many] = field
  if (many === undefined) return encodeOne(parts, number, type, held)
  const list = held as readonly unknown[]
  if (type !== 'int') {
    for (const item of list) encodeOne(parts, number, type, item)
  } else if (list.length > 0) {
    // proto3 packs repeated numbers.
    const packed = Buffer.concat(list.map((item) => varint(BigInt(item as number | bigint))))
    parts.push(varint(BigInt((number << 3) | 2)), varint(BigInt(packed.length)), packed)
  }
}

function encodeOne(parts: Uint8Array[], number: number, type: FieldType, held: unknown): void {
  if (type === 'bool' || type === 'int' || type === 'id' || type === 'uid') {
    parts.push(varint(BigInt(number << 3)), varint(BigInt(held as number | bigint | boolean)))
    return
  }
  let payload: Uint8Array
  if (typeof type === 'object') payload = type.encode(held as never)
  else payload = typeof held === 'string' ? Buffer.from(held, 'utf8') : (held as Uint8Array)
  parts.push(varint(BigInt((number << 3) | 2)), varint(BigInt(payload.length)), payload)
}

function emptyOf(field: Field): unknown {
  const [, type, many] = field
  if (many !== undefined) return []
  if (type === 'bytes') return Buffer.alloc(0)
  if (type === 'string') return ''
  if (type === 'bool') return false
  if (type === 'int') return 0
  return typeof type === 'object' ? undefined : 0n
}

function decodeField(
  reader: WireReader,
  wireType: number,
  name: string,
  field: Field,
  out: Record<string, unknown>,
): void {
  const [, type, many] = field
  if (many !== undefined && type === 'int' && wireType === 2) {
    const packed = new WireReader(reader.block())
    while (!packed.atEnd()) (out[name] as unknown[]).push(decodeOne(packed, type))
    return
  }
  const value = decodeOne(reader, type)
  if (many === undefined) out[name] = value
  else (out[name] as unknown[]).push(value)
}

function decodeOne(reader: WireReader, type: FieldType): unknown {
  if (typeof type === 'object') return type.decode(reader.block())
  switch (type) {
    case 'bytes':
      return Buffer.from(reader.block())
    case 'string':
      return Buffer.from(reader.block()).toString('utf8')
    case 'bool':
      return reader.varint() !== 0n
    case 'int':
      return Number(BigInt.asIntN(64, reader.varint()))
    case 'id':
      return BigInt.asIntN(64, reader.varint())
    case 'uid':
      return BigInt.asUintN(64, reader.varint())
  }
}

function varint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, value)
  const out: number[] = []
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Buffer.from(out)
}

class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): bigint {
    // The small case first: most fields fit seven bits, and bigint arithmetic is slow.
    const first = this.#byte()
    if (first < 0x80) return BigInt(first)
    let value = BigInt(first & 0x7f)
    for (let shift = 7n; ; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
      if (shift > 63n) throw new RangeError('varint longer than ten bytes')
    }
  }

  block(): Uint8Array {
    const length = Number(this.varint())
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('field runs past the end of its message')
    const out = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return out
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint()
    else if (wireType === 1) this.#at += 8
    else if (wireType === 2) this.block()
    else if (wireType === 5) this.#at += 4
    else throw new RangeError(`unknown wire type ${wireType}`)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new RangeError('message ends inside a varint')
    this.#at++
    return byte
  }
}
