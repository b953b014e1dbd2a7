/** Tokens and password hashes. */

import { parseAuthToken, type AuthTokenSpec } from '../auth-token.js'
import type { OptionReader } from '../option-values.js'
import type { Findings } from './findings.js'

export interface AuthConfig {
  readonly authToken: AuthTokenSpec
  readonly authTokenTtlMs: number
  readonly bcryptCost: number
}

const BCRYPT_COST_MIN = 4
const BCRYPT_COST_MAX = 31
const BCRYPT_COST = 10
const TOKEN_TTL_SECONDS = 300

export function concludeAuth(options: OptionReader, { problems, warnings }: Findings): AuthConfig {
  let bcryptCost = options.number('bcrypt-cost')
  if (bcryptCost < BCRYPT_COST_MIN || bcryptCost > BCRYPT_COST_MAX) {
    warnings.push(
      `--bcrypt-cost ${bcryptCost} is not between ${BCRYPT_COST_MIN} and ${BCRYPT_COST_MAX}: ${BCRYPT_COST} is used`,
    )
    bcryptCost = BCRYPT_COST
  }
  const token = parseAuthToken(options.text('auth-token'))
  if (!token.ok) problems.push(`--auth-token: ${token.message}`)
  else warnings.push(...token.warnings)
  return {
    authToken: token.ok ? token.spec : { kind: 'none' },
    // 0 is the default, as in etcd.
    authTokenTtlMs: (options.number('auth-token-ttl') || TOKEN_TTL_SECONDS) * 1000,
    bcryptCost,
  }
}
