/** The keys that JSON Web Tokens are signed and checked with, from their files. */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { JwtSpec, SignMethod } from '../config/auth-token.js'

export type JwtKey = KeyObject | Uint8Array

export interface JwtKeys {
  /** Null: this member can check tokens, but gives none. */
  readonly sign: JwtKey | null
  readonly verify: JwtKey
}

export type JwtKeysResult =
  | { readonly ok: true; readonly keys: JwtKeys }
  | { readonly ok: false; readonly message: string }

const MISSING_KEY = 'auth: missing key data'
const KEY_MISMATCH = "auth: public and private keys don't match"

/** The kind of key that a method takes, as node:crypto names it, and for ES the curve. */
const KEY_KINDS: Readonly<Record<string, readonly [kind: string, curve?: string]>> = {
  RS: ['rsa'],
  PS: ['rsa'],
  ES256: ['ec', 'prime256v1'],
  ES384: ['ec', 'secp384r1'],
  ES512: ['ec', 'secp521r1'],
  EdDSA: ['ed25519'],
}

export function readJwtKeys({ signMethod, publicKeyFile, privateKeyFile }: JwtSpec): JwtKeysResult {
  try {
    const privatePem = privateKeyFile === '' ? null : readFileSync(privateKeyFile)
    const publicPem = publicKeyFile === '' ? null : readFileSync(publicKeyFile)
    if (signMethod.startsWith('HS')) {
      if (privatePem === null || privatePem.length === 0) return { ok: false, message: MISSING_KEY }
      const secret = new Uint8Array(privatePem)
      return { ok: true, keys: { sign: secret, verify: secret } }
    }
    const sign = privatePem === null ? null : createPrivateKey(privatePem)
    const given = publicPem === null ? null : createPublicKey(publicPem)
    const verify = given ?? (privatePem === null ? null : createPublicKey(privatePem))
    if (verify === null) return { ok: false, message: MISSING_KEY }
    if (sign !== null && given !== null && !createPublicKey(sign).equals(given)) {
      return { ok: false, message: KEY_MISMATCH }
    }
    return isOfMethod(verify, signMethod)
      ? { ok: true, keys: { sign, verify } }
      : { ok: false, message: `auth: the key is not one of ${signMethod}` }
  } catch (error) {
    return { ok: false, message: `--auth-token: ${(error as Error).message}` }
  }
}

function isOfMethod(key: KeyObject, method: SignMethod): boolean {
  const [kind, curve] = KEY_KINDS[method] ?? KEY_KINDS[method.slice(0, 2)] ?? []
  return key.asymmetricKeyType === kind && (curve === undefined || key.asymmetricKeyDetails?.namedCurve === curve)
}
