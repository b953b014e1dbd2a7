/** --auth-token: which tokens stand for users, and the options of their kind. */

import { parseDurationMs } from './duration.js'

export const SIGN_METHODS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'HS384', 'HS512',
] as const
export type SignMethod = (typeof SIGN_METHODS)[number]

export interface JwtSpec {
  readonly kind: 'jwt'
  readonly signMethod: SignMethod
  /** Paths of PEM files; empty when not given. The secret of an HS method is what its private key file holds. */
  readonly publicKeyFile: string
  readonly privateKeyFile: string
  readonly ttlMs: number
}

/** 'none': nobody can log in with a password. */
export type AuthTokenSpec = { readonly kind: 'simple' } | { readonly kind: 'none' } | JwtSpec

export type AuthTokenResult =
  | { readonly ok: true; readonly spec: AuthTokenSpec; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string }

/** Etcd's texts. */
export const INVALID_AUTH_OPTIONS = 'auth: invalid auth options'
export const INVALID_SIGN_METHOD = 'auth: invalid auth signature method'

const JWT_TTL = '5m'
const JWT_OPTIONS: readonly string[] = ['sign-method', 'pub-key', 'priv-key', 'ttl']

export function parseAuthToken(text: string): AuthTokenResult {
  const [kind, ...parts] = text.split(',')
  const options = new Map<string, string>()
  for (const part of parts) {
    const pair = part.split('=')
    const [name, value] = pair
    if (pair.length !== 2 || name === undefined || value === undefined || options.has(name)) return invalid()
    options.set(name, value)
  }
  if (kind === 'jwt') return parseJwt(options)
  if (kind === 'simple') return { ok: true, spec: { kind }, warnings: [] }
  return kind === '' ? { ok: true, spec: { kind: 'none' }, warnings: [] } : invalid()
}

function parseJwt(options: ReadonlyMap<string, string>): AuthTokenResult {
  const ttlMs = parseDurationMs(options.get('ttl') || JWT_TTL)
  if (ttlMs === null) return invalid()
  const signMethod = SIGN_METHODS.find((method) => method === options.get('sign-method'))
  if (signMethod === undefined) return { ok: false, message: INVALID_SIGN_METHOD }
  const unknown = [...options.keys()].filter((name) => !JWT_OPTIONS.includes(name))
  const spec: JwtSpec = {
    kind: 'jwt',
    signMethod,
    publicKeyFile: options.get('pub-key') ?? '',
    privateKeyFile: options.get('priv-key') ?? '',
    ttlMs,
  }
  return { ok: true, spec, warnings: unknown.map((name) => `--auth-token: unknown option of jwt: ${name}`) }
}

function invalid(): AuthTokenResult {
  return { ok: false, message: INVALID_AUTH_OPTIONS }
}
