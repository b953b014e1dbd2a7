/** Which header fields of an HTTP request a call sees as metadata, and under which names. */

import type { HttpExchange } from '../http/http-exchange.js'
import type { HeaderField } from '../http2/hpack-static-table.js'
import { GrpcMetadata } from '../grpc/grpc-metadata.js'

const PREFIX = 'grpc-metadata-'
const BINARY = '-bin'
const MARK: HeaderField = Object.freeze({ name: 'grpcgateway-accept', value: '*/*' })
/** Most requests carry nothing: one object serves them all. */
const NOTHING = new GrpcMetadata([MARK])
/** Sets of fields that are remembered, so that what was made of their token can be kept beside them. */
const REMEMBERED_MAX = 256

export class GatewayMetadata {
  readonly #remembered = new Map<string, GrpcMetadata>()

  of(exchange: HttpExchange): GrpcMetadata {
    const authorization = exchange.header('authorization')
    const passed = passedOn(exchange.headerFields())
    if (authorization === undefined && passed.length === 0) return NOTHING
    if (authorization !== undefined) {
      passed.push({ name: 'authorization', value: authorization })
      passed.push({ name: 'grpcgateway-authorization', value: authorization })
    }
    const key = passed.map(({ name, value }) => `${name}\0${value}`).join('\0')
    const known = this.#remembered.get(key)
    if (known !== undefined) return known
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    const metadata = new GrpcMetadata([...passed, MARK])
    this.#remembered.set(key, metadata)
    return metadata
  }
}

/** `Grpc-Metadata-Foo: x` is the field `foo`; values of binary fields travel as base64. */
function passedOn(fields: readonly string[]): HeaderField[] {
  const passed: HeaderField[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at] as string
    if (field.length <= PREFIX.length || (field.charCodeAt(0) | 0x20) !== 0x67) continue
    const name = field.toLowerCase()
    if (!name.startsWith(PREFIX)) continue
    const value = fields[at + 1] as string
    const isBinary = name.endsWith(BINARY)
    passed.push({
      name: name.slice(PREFIX.length),
      value: isBinary ? Buffer.from(value, 'base64').toString('latin1') : value,
    })
  }
  return passed
}
