/** What members ask each other about their keys' hash: JSON as Go's encoder writes it, where zeros are left out. */

import type { HashKVResponse } from '../proto/generated/etcdserverpb.js'

export const HASH_KV_PATH = '/members/hashkv'

/** Null for what is no such request. A field that is not given is 0. */
export function parseHashKvRequest(body: string): { readonly revision: number } | null {
  const { revision } = objectIn(body) ?? { revision: NaN }
  return isInteger(revision ?? 0) ? { revision: Number(revision ?? 0) } : null
}

export function hashKvRequest(revision: number): string {
  return JSON.stringify(withoutZeros({ revision }))
}

/** etcd's header has nothing here but the revision. */
export function hashKvResponse({ header, hash, compact_revision, hash_revision }: HashKVResponse): string {
  const fields = withoutZeros({ hash, compact_revision, hash_revision })
  return JSON.stringify({ header: withoutZeros({ revision: header?.revision ?? 0 }), ...fields })
}

/** Null for what is no such answer. */
export function parseHashKvResponse(body: string): HashKVResponse | null {
  const found = objectIn(body)
  const header = found?.['header']
  if (found === null || typeof header !== 'object' || header === null) return null
  const { revision = 0 } = header as Record<string, unknown>
  const { hash = 0, compact_revision = 0, hash_revision = 0 } = found
  if (![revision, hash, compact_revision, hash_revision].every(isInteger)) return null
  return {
    header: { cluster_id: 0n, member_id: 0n, revision: Number(revision), raft_term: 0 },
    hash: Number(hash) >>> 0,
    compact_revision: Number(compact_revision),
    hash_revision: Number(hash_revision),
  }
}

function objectIn(body: string): Record<string, unknown> | null {
  try {
    // Go takes null for an object without fields.
    const value = (JSON.parse(body) as unknown) ?? {}
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function isInteger(value: unknown): boolean {
  return Number.isSafeInteger(value)
}

function withoutZeros(fields: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0))
}
