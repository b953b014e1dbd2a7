/** The whole schema, with look-ups by type name and by gRPC path (`/package.Service/Method`). */

import { authpb } from './schema/authpb.js'
import { etcdserverpb } from './schema/etcdserverpb.js'
import { health } from './schema/health.js'
import { v3electionpb, v3lockpb } from './schema/locks.js'
import { membershippb } from './schema/membershippb.js'
import { mvccpb } from './schema/mvccpb.js'
import type {
  Enumeration, Field, Message, Package, Rpc, ScalarType,
} from './schema/notation.js'
import { raftpb } from './schema/raftpb.js'
import { raftringpb } from './schema/raftringpb.js'
import { leasepb, snappb, walpb } from './schema/storage.js'

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'message'; readonly package: Package; readonly message: Message }
  | { readonly kind: 'enumeration'; readonly package: Package; readonly enumeration: Enumeration }

export interface Method {
  readonly path: string
  readonly service: string
  readonly rpc: Rpc
  /** Full names of the request and response messages. */
  readonly request: string
  readonly response: string
}

export const packages: readonly Package[] = Object.freeze([
  mvccpb, authpb, membershippb, raftringpb, etcdserverpb, v3lockpb, v3electionpb, leasepb, snappb,
  raftpb, walpb, health,
])

const SCALARS: readonly string[] = ['bytes', 'string', 'bool', 'int64', 'uint64', 'uint32']

/** What the type of a field in package `home` stands for; throws when it is declared nowhere. */
export function fieldType(home: Package, field: Field): FieldType {
  if (SCALARS.includes(field.type)) return { kind: 'scalar', scalar: field.type as ScalarType }
  for (const candidate of packages) {
    const prefix = `${candidate.name}.`
    const local = field.type.startsWith(prefix) ? field.type.slice(prefix.length) : undefined
    const name = local ?? (candidate === home ? field.type : undefined)
    if (name === undefined) continue
    const message = candidate.messages.find((it) => it.name === name)
    if (message !== undefined) return { kind: 'message', package: candidate, message }
    const enumeration = candidate.enumerations.find((it) => it.name === name)
    if (enumeration !== undefined) return { kind: 'enumeration', package: candidate, enumeration }
  }
  throw new Error(`type ${field.type} of ${field.name} is not declared`)
}

/** Name of a message's generated TypeScript interface. */
export function typeName(message: Message): string {
  return message.name.charAt(0).toUpperCase() + message.name.slice(1)
}

/**
 * Name of an enum's generated object: `RangeRequest.SortOrder` is RangeRequestSortOrder, but
 * `Event.EventType` is just EventType.
 */
export function enumerationName(enumeration: Enumeration): string {
  const [outer, inner] = enumeration.name.split('.') as [string, string | undefined]
  if (inner === undefined) return outer
  return inner.startsWith(outer) ? inner : outer + inner
}

/** Every RPC, by gRPC path. */
export const methods: ReadonlyMap<string, Method> = new Map(
  packages.flatMap((home) => home.services.flatMap((service) => service.rpcs.map((rpc) => {
    const path = `/${home.name}.${service.name}/${rpc.name}`
    return [path, Object.freeze({
      path,
      service: `${home.name}.${service.name}`,
      rpc,
      request: `${home.name}.${rpc.request}`,
      response: `${home.name}.${rpc.response}`,
    })]
  }))),
)
