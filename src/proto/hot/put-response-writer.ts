/** etcdserverpb.PutResponse around a header that is encoded already and the previous KeyValue as the store holds it. */

import type { Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { sizeOfDelimited, writeUint32 } from '../proto-writer.js'
import type { ResponseHeaderWriter } from './response-header-writer.js'

const TAG_PREV_KV = 0x12

/** Bytes of a response; `prevLength` is that of the encoded previous KeyValue, 0 for none. */
export function putResponseSize(header: ResponseHeaderWriter, prevLength: number): number {
  return header.fieldLength + (prevLength === 0 ? 0 : 1 + sizeOfDelimited(prevLength))
}

/** Writes the response with prev[start, end) as prev_kv, none when that is empty; returns the offset after it. */
export function writePutResponse(
  out: Bytes, at: number, header: ResponseHeaderWriter, prev: Bytes, start: number, end: number,
): number {
  at = header.writeField(out, at)
  if (start === end) return at
  out[at++] = TAG_PREV_KV
  at = writeUint32(out, at, end - start)
  return copyRange(out, at, prev, start, end)
}
