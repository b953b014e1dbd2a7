/**
 * JSON Web Tokens: they carry who they stand for and as of which auth revision, and prove it by their signature, so
 * that no member has to remember them. A signature is checked once, aside, and what came of it is kept for as long as
 * the token lives.
 */

import type { errors } from 'jose'
import type { JwtSpec } from '../config/auth-token.js'
import type { Principal } from './auth-access.js'
import type { JwtKeys } from './jwt-keys-file.js'

/** Checked tokens that are remembered; above it the oldest is checked anew. */
const CHECKED_MAX = 16_384
const REFUSED_MAX = 1024
/** Checks under way. Further tokens wait for a place. */
const CHECKING_MAX = 256
const TOKEN_LENGTH_MAX = 8192
/** Head, claims and signature. What does not look so takes no place among the checks. */
const TOKEN_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/

interface Checked {
  readonly principal: Principal
  readonly untilWallMs: number
}

interface Refused {
  readonly refusedUntilWallMs: number
}

const FOR_GOOD: Refused = { refusedUntilWallMs: Infinity }

export class JwtTokens {
  readonly #spec: JwtSpec
  readonly #keys: JwtKeys
  readonly #onChecked: () => void
  /** Loaded by those members alone that are configured for these tokens. */
  readonly #jose = import('jose')
  readonly #checked = new Map<string, Checked>()
  readonly #refused = new Map<string, Refused>()
  readonly #checking = new Set<string>()

  /** `onChecked`: a token that was 'unchecked' can be asked about again. */
  constructor(spec: JwtSpec, keys: JwtKeys, onChecked: () => void) {
    this.#spec = spec
    this.#keys = keys
    this.#onChecked = onChecked
  }

  get canSign(): boolean {
    return this.#keys.sign !== null
  }

  /** Null when the token is not valid (any more). 'unchecked': its check has begun. */
  find(token: string, nowWallMs: number): Principal | null | 'unchecked' {
    const checked = this.#checked.get(token)
    if (checked !== undefined) return nowWallMs < checked.untilWallMs ? checked.principal : null
    const refused = this.#refused.get(token)
    if (refused !== undefined && nowWallMs < refused.refusedUntilWallMs) return null
    if (token.length > TOKEN_LENGTH_MAX || !TOKEN_FORM.test(token)) return null
    if (!this.#checking.has(token) && this.#checking.size < CHECKING_MAX) {
      this.#checking.add(token)
      void this.#check(token)
    }
    return 'unchecked'
  }

  async sign({ user, revision }: Principal, nowWallMs: number): Promise<string> {
    const { sign } = this.#keys
    if (sign === null) throw new Error('a member without a private key signs nothing')
    const expiresSeconds = Math.floor((nowWallMs + this.#spec.ttlMs) / 1000)
    const { SignJWT } = await this.#jose
    return new SignJWT({ username: user, revision })
      .setProtectedHeader({ alg: this.#spec.signMethod, typ: 'JWT' })
      .setExpirationTime(expiresSeconds)
      .sign(sign)
  }

  async #check(token: string): Promise<void> {
    const checked = await this.#verify(token)
    this.#checking.delete(token)
    if ('refusedUntilWallMs' in checked) keep(this.#refused, REFUSED_MAX, token, checked)
    else keep(this.#checked, CHECKED_MAX, token, checked)
    this.#onChecked()
  }

  async #verify(token: string): Promise<Checked | Refused> {
    const { errors: { JWTClaimValidationFailed }, jwtVerify } = await this.#jose
    const isTooEarly = (error: unknown): error is errors.JWTClaimValidationFailed => {
      return error instanceof JWTClaimValidationFailed && error.claim === 'nbf' && error.reason === 'check_failed'
    }
    try {
      const { payload } = await jwtVerify(token, this.#keys.verify, { algorithms: [this.#spec.signMethod] })
      const { username, revision, exp } = payload
      if (typeof username !== 'string' || typeof revision !== 'number') return FOR_GOOD
      const principal = { user: username, revision: Math.max(0, Math.floor(revision)) }
      return { principal, untilWallMs: exp === undefined ? Infinity : exp * 1000 }
    } catch (error) {
      // Whatever is wrong with a token that a client sent, the answer is that it is not valid - or not valid yet.
      return isTooEarly(error) ? { refusedUntilWallMs: Number(error.payload.nbf) * 1000 } : FOR_GOOD
    }
  }
}

function keep<T>(kept: Map<string, T>, max: number, token: string, what: T): void {
  if (kept.size >= max) {
    for (const oldest of kept.keys()) {
      kept.delete(oldest)
      break
    }
  }
  kept.set(token, what)
}
