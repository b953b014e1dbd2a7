/**
 * Header blocks, legal, damaged and made of nothing: a decoder answers with fields or a failure, keeps its bounds, and
 * says the same with its cache as without.
 */

import assert from 'node:assert/strict'
import type { Prng } from '../../../src/base/prng.js'
import { HpackDecoder } from '../../../src/front/http2/hpack-decoder.js'
import { encodeHeaderBlock, writeIndexed, writeInteger } from '../../../src/front/http2/hpack-encoder.js'
import type { HeaderField } from '../../../src/front/http2/hpack-static-table.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate } from '../mutation.js'

const NAMES = [':method', ':path', ':status', 'content-type', 'grpc-timeout', 'te', 'x', 'a-longer-name-than-others']
const VALUES = ['', 'POST', '/etcdserverpb.KV/Put', 'application/grpc', 'trailers', '1S', '200']

export class HpackTarget implements FuzzTarget {
  run(random: Prng): void {
    const tableBytesMax = random.pick([0, 33, 200, 4096])
    const listBytesMax = random.pick([100, 2000, 65_536])
    const cached = new HpackDecoder({ tableBytesMax, listBytesMax })
    const plain = new HpackDecoder({ tableBytesMax, listBytesMax, isCaching: false })
    for (let blocks = random.between(1, 6); blocks > 0; blocks--) {
      const block = randomBlock(random, tableBytesMax)
      for (let again = random.between(1, 2); again > 0; again--) {
        const [a, b] = [cached.decode(block, 0, block.length), plain.decode(block, 0, block.length)]
        assert.equal(a === null, b === null, 'the cache changes what is legal')
        // A connection ends with its first failure.
        if (a === null || b === null) return assert.notEqual(plain.failure, '')
        assert.equal(sameFields(a.fields, b.fields), true, 'the cache changes what is read')
        assert.ok(plain.dynamicTableBytes <= tableBytesMax && cached.dynamicTableBytes === plain.dynamicTableBytes)
        let bytes = 0
        for (const { name, value } of b.fields) bytes += name.length + value.length + 32
        assert.ok(bytes <= listBytesMax, 'a list longer than allowed')
      }
    }
  }
}

export function randomFields(random: Prng): HeaderField[] {
  return Array.from({ length: random.between(0, 8) }, () => ({
    name: random.chance(0.9) ? random.pick(NAMES) : Buffer.from(random.bytes(random.between(0, 9))).toString('latin1'),
    value: random.chance(0.7)
      ? random.pick(VALUES)
      : Buffer.from(random.bytes(random.between(0, random.chance(0.95) ? 20 : 400))).toString('latin1'),
  }))
}

function randomBlock(random: Prng, tableBytesMax: number): Buffer {
  switch (random.between(0, 5)) {
    case 0: {
      const block = Buffer.alloc(16)
      let at = 0
      for (let count = random.between(1, 4); count > 0; count--) at = writeIndexed(block, at, random.between(0, 70))
      return block.subarray(0, at)
    }
    case 1: {
      const block = Buffer.alloc(8)
      const size = random.chance(0.8) ? random.between(0, tableBytesMax) : random.between(0, 100_000)
      return block.subarray(0, writeInteger(block, 0, 0x20, 5, size))
    }
    case 2:
      return Buffer.from(random.bytes(random.between(0, 60)))
    default: {
      const indexing = random.pick(['none', 'incremental', 'never'] as const)
      const block = encodeHeaderBlock(randomFields(random), { indexing, isHuffman: random.chance(0.5) })
      return random.chance(0.4) ? mutate(random, block) : block
    }
  }
}

function sameFields(a: readonly HeaderField[], b: readonly HeaderField[]): boolean {
  return a.length === b.length && a.every(({ name, value }, i) => b[i]?.name === name && b[i]?.value === value)
}
