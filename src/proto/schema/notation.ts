/**
 * The words in which our protobuf schema is declared: one line per field, enum and RPC. The code
 * generator, the JSON gateway and the tests read these objects; nothing on a hot path does.
 */

export type ScalarType = 'bytes' | 'string' | 'bool' | 'int64' | 'uint64' | 'uint32'

/**
 * - `repeated`: one record per element. `packed`: all elements in one. Each is read as both.
 * - `map`: a map from string to the message type of the field.
 * - `oneof:x`: at most one field of group x is present; the last one on the wire wins.
 * - `id`: a 64-bit value whose every bit counts, so it is a bigint. Other 64-bit fields are plain
 *   numbers: exact below 2^53, the nearest double beyond.
 * - `always`: a proto2 field that etcd writes even when it is zero.
 */
export type FieldFlag = 'repeated' | 'packed' | 'map' | 'id' | 'always' | `oneof:${string}`

export interface Field {
  readonly name: string
  readonly jsonName: string
  readonly number: number
  /** A scalar type, or a message or enum: of the same package when it has no package prefix. */
  readonly type: string
  readonly repeated: boolean
  readonly packed: boolean
  readonly map: boolean
  readonly id: boolean
  readonly always: boolean
  readonly oneof: string | undefined
}

export interface Message {
  readonly kind: 'message'
  readonly name: string
  /** In ascending order of field number, which is the order of the canonical encoding. */
  readonly fields: readonly Field[]
}

export interface Enumeration {
  readonly kind: 'enumeration'
  /** `Name`, or `Message.Name` when declared inside a message. */
  readonly name: string
  readonly values: Readonly<Record<string, number>>
}

export type Streaming = 'unary' | 'server' | 'both'

export interface Rpc {
  readonly name: string
  readonly request: string
  readonly response: string
  readonly streaming: Streaming
  /** Paths of the JSON gateway, all POST with the whole message as body. Empty: gRPC only. */
  readonly gatewayPaths: readonly string[]
}

export interface Service {
  readonly kind: 'service'
  readonly name: string
  readonly rpcs: readonly Rpc[]
}

export type Declaration = Message | Enumeration | Service

export interface Package {
  readonly name: string
  readonly syntax: 'proto2' | 'proto3'
  readonly messages: readonly Message[]
  readonly enumerations: readonly Enumeration[]
  readonly services: readonly Service[]
}

/** The JSON name of a proto name: `range_end` becomes `rangeEnd`, `peerURLs` stays. */
export function jsonNameOf(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

export function field(name: string, number: number, type: string, ...flags: FieldFlag[]): Field {
  const oneof = flags.find((flag) => flag.startsWith('oneof:'))
  return Object.freeze({
    name,
    jsonName: jsonNameOf(name),
    number,
    type,
    repeated: flags.includes('repeated') || flags.includes('packed'),
    packed: flags.includes('packed'),
    map: flags.includes('map'),
    id: flags.includes('id'),
    always: flags.includes('always'),
    oneof: oneof?.slice('oneof:'.length),
  })
}

export function message(name: string, ...fields: Field[]): Message {
  for (let i = 1; i < fields.length; i++) {
    const [previous, next] = [fields[i - 1] as Field, fields[i] as Field]
    if (previous.number >= next.number) throw new Error(`${name}.${next.name} is out of order`)
  }
  return Object.freeze({ kind: 'message', name, fields: Object.freeze(fields) })
}

export function enumeration(name: string, values: Record<string, number>): Enumeration {
  return Object.freeze({ kind: 'enumeration', name, values: Object.freeze(values) })
}

export function rpc(
  name: string, request: string, response: string, streaming: Streaming, ...gatewayPaths: string[]
): Rpc {
  return Object.freeze({ name, request, response, streaming, gatewayPaths })
}

export function service(name: string, ...rpcs: Rpc[]): Service {
  return Object.freeze({ kind: 'service', name, rpcs: Object.freeze(rpcs) })
}

export function protoPackage(
  name: string, syntax: Package['syntax'], ...declarations: Declaration[]
): Package {
  return Object.freeze({
    name,
    syntax,
    messages: declarations.filter((it) => it.kind === 'message'),
    enumerations: declarations.filter((it) => it.kind === 'enumeration'),
    services: declarations.filter((it) => it.kind === 'service'),
  })
}
