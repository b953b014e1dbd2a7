/** What --auth-token may say. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAuthToken } from '../../src/config/auth-token.js'

const OPTIONS = 'auth: invalid auth options'
const METHOD = 'auth: invalid auth signature method'

test('simple tokens, none at all, and JSON Web Tokens with their options', () => {
  assert.deepEqual(parseAuthToken('simple'), { ok: true, spec: { kind: 'simple' }, warnings: [] })
  assert.deepEqual(parseAuthToken(''), { ok: true, spec: { kind: 'none' }, warnings: [] })
  assert.deepEqual(parseAuthToken('jwt,pub-key=/p,priv-key=/s,sign-method=PS384,ttl=1h30m'), {
    ok: true,
    spec: { kind: 'jwt', signMethod: 'PS384', publicKeyFile: '/p', privateKeyFile: '/s', ttlMs: 5_400_000 },
    warnings: [],
  })
  const short = parseAuthToken('jwt,sign-method=HS256,priv-key=k,color=red')
  assert.ok(short.ok)
  assert.deepEqual(short.spec, {
    kind: 'jwt', signMethod: 'HS256', publicKeyFile: '', privateKeyFile: 'k', ttlMs: 300_000,
  })
  assert.deepEqual(short.warnings, ['--auth-token: unknown option of jwt: color'])
})

test('anything else has the error of etcd', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['token', OPTIONS],
    ['jwt', METHOD],
    ['jwt,sign-method=RS1', METHOD],
    ['jwt,sign-method', OPTIONS],
    ['jwt,sign-method=RS256,sign-method=RS256', OPTIONS],
    ['jwt,sign-method=RS256=x', OPTIONS],
    ['jwt,sign-method=RS256,ttl=soon', OPTIONS],
    ['simple,', OPTIONS],
  ]
  for (const [text, message] of cases) assert.deepEqual(parseAuthToken(text), { ok: false, message }, text)
})
