/** Users, roles and the two facts about auth as the store has them, in etcd's own encodings. */

import { EMPTY_BYTES, copyBytes, text, utf8, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { decodeRole, decodeUser, encodeRole, encodeUser, type Role, type User } from '../proto/generated/authpb.js'
import { TABLE, type StoreView, type Table, type WriteTransaction } from '../store/store.js'

/** Etcd's names of rows in its bucket. */
const ENABLED_KEY = utf8('authEnabled')
const REVISION_KEY = utf8('authRevision')
/** The revision of a cluster in which no user or role was ever changed. */
export const FIRST_AUTH_REVISION = 1

export interface AuthFlags {
  readonly enabled: boolean
  readonly revision: number
}

const value = new Slice()

export function readAuthFlags(view: StoreView): AuthFlags {
  const enabled = view.get(TABLE.auth, ENABLED_KEY, 0, ENABLED_KEY.length, value) && value.copy()[0] === 1
  if (!view.get(TABLE.auth, REVISION_KEY, 0, REVISION_KEY.length, value)) {
    return { enabled, revision: FIRST_AUTH_REVISION }
  }
  const revision = Number(Buffer.from(value.copy()).readBigUInt64BE())
  return { enabled, revision: Math.max(revision, FIRST_AUTH_REVISION) }
}

export function writeAuthFlags(transaction: WriteTransaction, { enabled, revision }: AuthFlags): void {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(revision))
  put(transaction, TABLE.auth, ENABLED_KEY, Uint8Array.of(enabled ? 1 : 0))
  put(transaction, TABLE.auth, REVISION_KEY, bytes)
}

export function readUser(view: StoreView, name: string): User | null {
  const bytes = read(view, TABLE.authUsers, name)
  return bytes === null ? null : decodeUser(bytes)
}

export function writeUser(transaction: WriteTransaction, user: User): void {
  put(transaction, TABLE.authUsers, user.name, encodeUser(user))
}

export function removeUser(transaction: WriteTransaction, name: string): void {
  const key = utf8(name)
  transaction.remove(TABLE.authUsers, key, 0, key.length)
}

export function readRole(view: StoreView, name: string): Role | null {
  const bytes = read(view, TABLE.authRoles, name)
  return bytes === null ? null : decodeRole(bytes)
}

export function writeRole(transaction: WriteTransaction, role: Role): void {
  put(transaction, TABLE.authRoles, role.name, encodeRole(role))
}

export function removeRole(transaction: WriteTransaction, name: string): void {
  const key = utf8(name)
  transaction.remove(TABLE.authRoles, key, 0, key.length)
}

/** In byte order. */
export function readUserNames(view: StoreView): string[] {
  return names(view, TABLE.authUsers)
}

export function readRoleNames(view: StoreView): string[] {
  return names(view, TABLE.authRoles)
}

/** Users that hold the role, in byte order of their names. */
export function readUsersWithRole(view: StoreView, role: string): User[] {
  const users: User[] = []
  const cursor = view.openCursor(TABLE.authUsers)
  for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
    const user = decodeUser(cursor.value.copy())
    if (user.roles.includes(role)) users.push(user)
  }
  cursor.close()
  return users
}

function names(view: StoreView, table: Table): string[] {
  const found: string[] = []
  const cursor = view.openCursor(table, true)
  for (let more = cursor.seek(EMPTY_BYTES, 0, 0); more; more = cursor.next()) found.push(text(cursor.key.copy()))
  cursor.close()
  return found
}

function read(view: StoreView, table: Table, name: string): Bytes | null {
  const key = utf8(name)
  // No row has an empty name, and the store knows no empty key.
  if (key.length === 0) return null
  return view.get(table, key, 0, key.length, value) ? value.copy() : null
}

function put(transaction: WriteTransaction, table: Table, key: Bytes, bytes: Bytes): void {
  const own = copyBytes(key)
  transaction.put(table, own, 0, own.length, bytes, 0, bytes.length)
}
