/** The list of members as a peer URL's /members tells it. Ids are JSON numbers of 64 bits, which JSON.parse rounds. */

import type { MemberRecord } from '../member-record.js'

/** Null when it is no such list. */
export function parseMembersJson(json: string): MemberRecord[] | null {
  let list: unknown
  try {
    // Inside a JSON text a quote before the colon would be escaped, so this finds keys alone.
    list = JSON.parse(json.replace(/"id":\s*(\d+)/g, '"id":"$1"'))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  if (!Array.isArray(list)) return null
  const members = list.map((item) => memberOf(item as Record<string, unknown>))
  return members.every((member) => member !== null) ? members : null
}

function memberOf(item: Record<string, unknown> | null): MemberRecord | null {
  if (typeof item !== 'object' || item === null) return null
  const { id, peerURLs, isLearner, name, clientURLs } = item
  if (typeof id !== 'string' || !/^\d{1,20}$/.test(id)) return null
  return {
    id: BigInt(id),
    peerUrls: textsOf(peerURLs),
    isLearner: isLearner === true,
    name: typeof name === 'string' ? name : '',
    clientUrls: textsOf(clientURLs),
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}
