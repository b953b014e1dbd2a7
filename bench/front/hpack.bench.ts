/**
 * What headers cost a call: the request's block, which a client repeats and the server remembers as a whole, the same
 * when it is new each time, and fields that are written.
 * Run: node dist/bench/front/hpack.bench.js
 */

import { HpackDecoder } from '../../src/front/http2/hpack-decoder.js'
import { writeField } from '../../src/front/http2/hpack-encoder.js'
import { FRAME_HEADER_BYTES } from '../../src/front/http2/frame-layout.js'
import { RequestHeaders } from '../../src/ctl/load/request-headers.js'
import { nowUs } from '../../src/ctl/load/request-generator.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { median } from '../support/reading.js'
import { machineFacts } from '../ring/machine-facts.js'

scriptOptions({ does: 'What the headers of a call cost.' })

const CALLS = 200_000
const ROUNDS = 7
const METHOD = '/etcdserverpb.KV/Put'

function timed(name: string, body: (i: number) => void): void {
  const ns = Array.from({ length: ROUNDS }, () => {
    const startedUs = nowUs()
    for (let i = 0; i < CALLS; i++) body(i)
    return ((nowUs() - startedUs) * 1000) / CALLS
  })
  console.log(`${name.padEnd(52)} ${median(ns.slice(2)).toFixed(0).padStart(6)} ns`)
}

console.log(machineFacts())
const headers = new RequestHeaders('127.0.0.1:2379')
const first = Buffer.from(headers.next(METHOD))
const second = Buffer.from(headers.next(METHOD))
const again = Buffer.from(headers.next(METHOD))

const decoder = new HpackDecoder()
decoder.decode(first, FRAME_HEADER_BYTES, first.length)
decoder.decode(second, FRAME_HEADER_BYTES, second.length)
timed('a block that was seen before', () => void decoder.decode(again, FRAME_HEADER_BYTES, again.length))

const fresh = Buffer.alloc(512)
let length = 0
const fields = [
  { name: ':method', value: 'POST' }, { name: ':scheme', value: 'http' }, { name: ':path', value: METHOD },
  { name: 'content-type', value: 'application/grpc' }, { name: 'te', value: 'trailers' },
]
for (const field of fields) length = writeField(fresh, length, field, {})
const digitAt = length - 1
timed('a block that is new, without the dynamic table', (i) => {
  fresh[digitAt] = 97 + (i % 26)
  decoder.decode(fresh, 0, length)
})

const out = Buffer.alloc(512)
timed('five fields written', () => {
  let at = 0
  for (const field of fields) at = writeField(out, at, field, {})
})
