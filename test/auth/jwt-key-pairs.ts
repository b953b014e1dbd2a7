/** Key files for every signing method of JSON Web Tokens. */

import { generateKeyPairSync, randomBytes, type KeyPairKeyObjectResult } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { JwtSpec, SignMethod } from '../../src/config/auth-token.js'
import type { TemporaryDirectory } from '../support/temporary-directory.js'

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** Both files of a fresh pair; for an HS method the private one is the secret. */
export function jwtSpec(directory: TemporaryDirectory, signMethod: SignMethod, name: string = signMethod): JwtSpec {
  const publicKeyFile = directory.path(`${name}.pub`)
  const privateKeyFile = directory.path(`${name}.key`)
  const spec = { kind: 'jwt', signMethod, publicKeyFile, privateKeyFile, ttlMs: 300_000 } as const
  if (signMethod.startsWith('HS')) {
    writeFileSync(privateKeyFile, randomBytes(64))
    return { ...spec, publicKeyFile: '' }
  }
  const { privateKey, publicKey } = keyPair(signMethod)
  writeFileSync(privateKeyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }))
  return spec
}

function keyPair(method: SignMethod): KeyPairKeyObjectResult {
  if (method === 'EdDSA') return generateKeyPairSync('ed25519')
  const namedCurve = CURVES[method]
  return namedCurve === undefined
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve })
}
