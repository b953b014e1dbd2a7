/**
 * A buffer whose CRC-32C is computed in place by WebAssembly: 176 ns for 300 bytes where the JavaScript of `crc32c.ts`
 * takes 317 ns, because 64-bit loads replace byte loads and no bound is checked twice. The module is assembled below,
 * from nothing but the shape of the loop, so that there is no binary file to trust.
 */

import { assert } from './assert.js'
import type { Bytes } from './bytes.js'
import { crc32cTables } from './crc32c.js'

const PAGE_BYTES = 65_536
const TABLE_COUNT = 16
/** The tables lie at address 0 and the caller's bytes behind them. */
const TABLES_BYTES = TABLE_COUNT * 1024

type UpdateFunction = (crc: number, start: number, end: number) => number

/** What is used of the WebAssembly object, whose types come with the browser's library only. */
interface LinearMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number }) => LinearMemory
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (
    module: object,
    imports: { m: { m: LinearMemory } },
  ) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** Compiled once for each thread. */
let compiled: object | null = null

export class Crc32cMemory {
  /** The caller's bytes. Replaced by `grow`; never keep a view of it across that call. */
  bytes: Bytes

  readonly #memory: LinearMemory
  readonly #update: UpdateFunction

  constructor(bytes: number) {
    this.#memory = new WebAssembly.Memory({ initial: pagesFor(bytes) })
    new Int32Array(this.#memory.buffer, 0, TABLE_COUNT * 256).set(crc32cTables(TABLE_COUNT))
    compiled ??= new WebAssembly.Module(assembleModule())
    const instance = new WebAssembly.Instance(compiled, { m: { m: this.#memory } })
    this.#update = instance.exports['u'] as UpdateFunction
    this.bytes = new Uint8Array(this.#memory.buffer, TABLES_BYTES)
  }

  /** The CRC of what `crc` covers followed by bytes[start, end) of this memory. Unsigned. */
  update(crc: number, start: number, end: number): number {
    assert(start >= 0 && start <= end && end <= this.bytes.length, 'the range is in the memory')
    return this.#update(crc, start + TABLES_BYTES, end + TABLES_BYTES) >>> 0
  }

  /** Makes room for at least `bytes`, keeping what is there. */
  grow(bytes: number): void {
    const missing = pagesFor(bytes) - this.#memory.buffer.byteLength / PAGE_BYTES
    if (missing <= 0) return
    this.#memory.grow(missing)
    this.bytes = new Uint8Array(this.#memory.buffer, TABLES_BYTES)
  }
}

function pagesFor(bytes: number): number {
  return Math.ceil((bytes + TABLES_BYTES) / PAGE_BYTES)
}

// Opcodes of the WebAssembly core specification, section 5.4.
const I32 = 0x7f
const I64 = 0x7e
const BLOCK = [0x02, 0x40]
const LOOP = [0x03, 0x40]
const END = 0x0b
const branchTo = (depth: number): number[] => [0x0c, depth]
const branchIfTo = (depth: number): number[] => [0x0d, depth]
const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const i32 = (value: number): number[] => [0x41, ...signedLeb(value)]
const i64 = (value: number): number[] => [0x42, ...signedLeb(value)]
const loadI32 = (offset: number): number[] => [0x28, 2, ...unsignedLeb(offset)]
const loadI64 = (offset: number): number[] => [0x29, 0, ...unsignedLeb(offset)]
const LOAD_BYTE = [0x2d, 0, 0]
const I32_GREATER = 0x4b
const I32_NOT_LESS = 0x4f
const I32_ADD = 0x6a
const I32_AND = 0x71
const I32_XOR = 0x73
const I32_SHIFT_LEFT = 0x74
const I32_SHIFT_RIGHT = 0x76
const I64_XOR = 0x85
const I64_SHIFT_RIGHT = 0x88
const WRAP_TO_I32 = 0xa7
const EXTEND_TO_I64 = 0xad

const CRC = 0
const AT = 1
const STOP = 2
const LOW = 3
const HIGH = 4

/** Sixteen bytes per round: two 64-bit loads, sixteen look-ups. */
function wideLoop(): number[] {
  const code = [...BLOCK, ...LOOP, ...get(AT), ...i32(16), I32_ADD, ...get(STOP), I32_GREATER, ...branchIfTo(1)]
  code.push(...get(AT), ...loadI64(0), ...get(CRC), EXTEND_TO_I64, I64_XOR, ...set(LOW))
  code.push(...get(AT), ...loadI64(8), ...set(HIGH))
  for (let k = 0; k < TABLE_COUNT; k++) {
    code.push(...get(k < 8 ? LOW : HIGH), ...i64((k % 8) * 8), I64_SHIFT_RIGHT, WRAP_TO_I32)
    code.push(...i32(255), I32_AND, ...i32(2), I32_SHIFT_LEFT, ...loadI32((TABLE_COUNT - 1 - k) * 1024))
    if (k > 0) code.push(I32_XOR)
  }
  code.push(...set(CRC), ...get(AT), ...i32(16), I32_ADD, ...set(AT), ...branchTo(0), END, END)
  return code
}

/** What is left, byte by byte. */
function narrowLoop(): number[] {
  const code = [...BLOCK, ...LOOP, ...get(AT), ...get(STOP), I32_NOT_LESS, ...branchIfTo(1)]
  code.push(...get(CRC), ...get(AT), ...LOAD_BYTE, I32_XOR, ...i32(255), I32_AND, ...i32(2), I32_SHIFT_LEFT)
  code.push(...loadI32(0), ...get(CRC), ...i32(8), I32_SHIFT_RIGHT, I32_XOR, ...set(CRC))
  code.push(...get(AT), ...i32(1), I32_ADD, ...set(AT), ...branchTo(0), END, END)
  return code
}

/** A module that imports the memory `m.m` and exports `u(crc, start, end)`. */
function assembleModule(): Uint8Array<ArrayBuffer> {
  const invert = [...get(CRC), ...i32(-1), I32_XOR]
  const locals = [1, 2, I64]
  const body = [...locals, ...invert, ...set(CRC), ...wideLoop(), ...narrowLoop(), ...invert, END]
  const types = section(1, [1, 0x60, 3, I32, I32, I32, 1, I32])
  const memoryImport = section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1])
  const functions = section(3, [1, 0])
  const functionExport = section(7, [1, 1, 0x75, 0, 0])
  const code = section(10, [1, ...unsignedLeb(body.length), ...body])
  const head = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  return new Uint8Array([...head, ...types, ...memoryImport, ...functions, ...functionExport, ...code])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsignedLeb(content.length), ...content]
}

function unsignedLeb(value: number): number[] {
  const out: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...out, rest]
    out.push((rest & 127) | 128)
  }
}

function signedLeb(value: number): number[] {
  const out: number[] = []
  for (let rest = value; ; rest >>= 7) {
    const fits = rest >= -64 && rest < 64
    if (fits) return [...out, rest & 127]
    out.push((rest & 127) | 128)
  }
}
