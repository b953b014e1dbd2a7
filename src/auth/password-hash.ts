/** Passwords as bcrypt hashes: slow on purpose, so this runs in jobs threads only. */

import { compareSync, hashSync } from 'bcryptjs'

export interface HashJob {
  readonly password: string
  readonly cost: number
}

export interface CompareJob {
  readonly password: string
  readonly hash: string
}

export function hashPassword({ password, cost }: HashJob): string {
  return hashSync(password, cost)
}

/** False as well when what is stored is no hash: such a user cannot log in. */
export function comparePassword({ password, hash }: CompareJob): boolean {
  return HASH.test(hash) && compareSync(password, hash)
}

const HASH = /^\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}$/
