/** Images in memory: made of a store, and read again. */

import type { Slice } from '../../src/base/slice.js'
import type { Bytes } from '../../src/base/bytes.js'
import { BboltReader, type PageInput } from '../../src/bbolt/bbolt-reader.js'
import { BboltWriter, type PageOutput } from '../../src/bbolt/bbolt-writer.js'
import { visitBuckets, type BucketVisitor } from '../../src/snapshot/visit-buckets.js'
import type { ReadableStore } from '../../src/store/store.js'

export class MemoryImage implements PageInput, PageOutput {
  #bytes: Bytes = new Uint8Array(0)

  get bytes(): Bytes {
    return this.#bytes
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  write(source: Bytes, start: number, end: number, position: number): void {
    const size = Math.max(this.#bytes.length, position + end - start)
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(size)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(source.subarray(start, end), position)
  }

  read(target: Bytes, position: number): number {
    const source = this.#bytes.subarray(position, position + target.length)
    target.set(source)
    return source.length
  }
}

/** Buckets with their pairs as hexadecimal text. */
export type Dump = Readonly<Record<string, readonly string[]>>

export function imageOf(store: ReadableStore): BboltReader {
  return readerOf(bytesOf(store))
}

export function bytesOf(store: ReadableStore): MemoryImage {
  const image = new MemoryImage()
  const writer = new BboltWriter(image)
  visit(store, writer)
  writer.finish()
  return image
}

export function readerOf(image: MemoryImage): BboltReader {
  const reader = new BboltReader(image)
  reader.check()
  return reader
}

export function dumpOf(store: ReadableStore): Dump {
  const dump: Record<string, string[]> = {}
  let open: string[] = []
  visit(store, {
    startBucket: (name) => void (dump[name] = open = []),
    pair: (key: Slice, value: Slice) => void open.push(`${hex(key)} ${hex(value)}`),
    endBucket: () => undefined,
  })
  return dump
}

function visit(store: ReadableStore, visitor: BucketVisitor): void {
  const view = store.beginRead()
  visitBuckets({ view, visitor })
  view.close()
}

function hex({ bytes, start, end }: Slice): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex')
}
