/**
 * A member as the members table keeps it, in etcd's own form:
 * `{"id":10276657743932975437,"peerURLs":["http://..."],"name":"n1", "clientURLs":["http://..."]}`. The context of a
 * configuration entry has the same form.
 *
 * The id is a 64-bit number without quotes, which JSON.parse would round: it always comes from the row's key or the
 * entry's own field, and the text's is never read.
 */

import { hexId, utf8, text, type Bytes } from '../base/bytes.js'

export interface MemberRecord {
  readonly id: bigint
  readonly peerUrls: readonly string[]
  readonly isLearner: boolean
  /** Empty until the member has started and said its name. */
  readonly name: string
  readonly clientUrls: readonly string[]
}

/** Rows of the members tables are known by this. */
export function memberKey(id: bigint): Bytes {
  return utf8(hexId(id))
}

export function encodeMember(member: MemberRecord): Bytes {
  const parts = [`"id":${BigInt.asUintN(64, member.id)}`, `"peerURLs":${jsonOf(member.peerUrls)}`]
  if (member.isLearner) parts.push('"isLearner":true')
  if (member.name !== '') parts.push(`"name":${jsonOf(member.name)}`)
  if (member.clientUrls.length > 0) parts.push(`"clientURLs":${jsonOf(member.clientUrls)}`)
  return utf8(`{${parts.join(',')}}`)
}

/** As etcd's language writes JSON: a few more characters are escaped, so that members have equal bytes everywhere. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Null when the bytes are not such a text. */
export function decodeMember(id: bigint, bytes: Bytes): MemberRecord | null {
  let fields: unknown
  try {
    fields = JSON.parse(text(bytes))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  if (typeof fields !== 'object' || fields === null) return null
  const { peerURLs, isLearner, name, clientURLs } = fields as Record<string, unknown>
  return {
    id,
    peerUrls: textsOf(peerURLs),
    isLearner: isLearner === true,
    name: typeof name === 'string' ? name : '',
    clientUrls: textsOf(clientURLs),
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}
