/** JSON Web Tokens of every method, and the key files that they need. */

import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { readJwtKeys, type JwtKeys } from '../../src/auth/jwt-keys-file.js'
import { JwtTokens } from '../../src/auth/jwt-tokens.js'
import { SIGN_METHODS, type JwtSpec } from '../../src/config/auth-token.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { jwtSpec } from './jwt-key-pairs.js'

const directory = temporaryDirectory()
after(() => directory.remove())

const ALICE = { user: 'alice', revision: 7 }

function keysOf(spec: JwtSpec): JwtKeys {
  const read = readJwtKeys(spec)
  assert.ok(read.ok, read.ok ? '' : read.message)
  return read.keys
}

/** Tokens whose checks can be waited for. */
class Checking {
  readonly tokens: JwtTokens
  #onChecked: () => void = () => undefined

  constructor(spec: JwtSpec, keys: JwtKeys = keysOf(spec)) {
    this.tokens = new JwtTokens(spec, keys, () => this.#onChecked())
  }

  async find(token: string, nowWallMs = Date.now()): Promise<unknown> {
    const checked = new Promise<void>((resolve) => {
      this.#onChecked = resolve
    })
    const first = this.tokens.find(token, nowWallMs)
    if (first !== 'unchecked') return first
    await checked
    return this.tokens.find(token, nowWallMs)
  }
}

test('a token of every method says who it stands for, and only with an unbroken signature', async () => {
  for (const method of SIGN_METHODS) {
    const checking = new Checking(jwtSpec(directory, method))
    const token = await checking.tokens.sign(ALICE, Date.now())
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { alg: string }
    assert.equal(header.alg, method)
    assert.deepEqual(await checking.find(token), ALICE, method)
    const [head, , signature] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ username: 'root', revision: 7 })).toString('base64url')
    assert.equal(await checking.find(`${head}.${forged}.${signature}`), null, method)
    assert.equal(await checking.find('no token'), null)
  }
})

test('what was checked once is known at once, until the token has expired', async () => {
  const spec = { ...jwtSpec(directory, 'ES256', 'known'), ttlMs: 60_000 }
  const { tokens } = new Checking(spec)
  const checking = new Checking(spec)
  const now = Date.now()
  const token = await tokens.sign(ALICE, now)
  assert.deepEqual(await checking.find(token, now), ALICE)
  assert.deepEqual(checking.tokens.find(token, now + 58_000), ALICE)
  assert.equal(checking.tokens.find(token, now + 60_000), null)
  const expired = await tokens.sign(ALICE, now - 120_000)
  assert.equal(await checking.find(expired, now), null)
})

test('a token of another method or another key is not taken', async () => {
  const rsa = jwtSpec(directory, 'RS256', 'one')
  const token = await new Checking(rsa).tokens.sign(ALICE, Date.now())
  assert.equal(await new Checking({ ...rsa, signMethod: 'PS256' }).find(token), null)
  assert.equal(await new Checking(jwtSpec(directory, 'RS256', 'other')).find(token), null)
})

test('a public key alone checks tokens and gives none', async () => {
  const spec = jwtSpec(directory, 'EdDSA', 'public')
  const token = await new Checking(spec).tokens.sign(ALICE, Date.now())
  const checking = new Checking({ ...spec, privateKeyFile: '' })
  assert.equal(checking.tokens.canSign, false)
  assert.deepEqual(await checking.find(token), ALICE)
})

test('keys that are missing, of another kind, or of two pairs are refused', () => {
  const messageOf = (spec: JwtSpec): string => {
    const read = readJwtKeys(spec)
    return read.ok ? 'ok' : read.message
  }
  const rsa = jwtSpec(directory, 'RS256', 'rsa')
  const ec = jwtSpec(directory, 'ES256', 'ec')
  assert.equal(messageOf({ ...rsa, publicKeyFile: '', privateKeyFile: '' }), 'auth: missing key data')
  assert.equal(messageOf({ ...rsa, publicKeyFile: '' }), 'ok')
  assert.equal(
    messageOf({ ...rsa, publicKeyFile: jwtSpec(directory, 'RS256', 'rsa2').publicKeyFile }),
    "auth: public and private keys don't match",
  )
  assert.match(messageOf({ ...ec, signMethod: 'RS256' }), /the key is not one of RS256/)
  assert.match(messageOf({ ...ec, signMethod: 'ES384' }), /the key is not one of ES384/)
  assert.match(messageOf({ ...rsa, privateKeyFile: directory.path('nowhere') }), /ENOENT/)
  const empty = directory.path('empty')
  writeFileSync(empty, '')
  assert.equal(messageOf({ ...rsa, signMethod: 'HS256', privateKeyFile: empty }), 'auth: missing key data')
  assert.match(messageOf({ ...rsa, privateKeyFile: empty }), /--auth-token: /)
})

test('what cannot be a token takes no place among the checks', async () => {
  const checking = new Checking(jwtSpec(directory, 'ES256', 'junk'))
  const now = Date.now()
  for (const junk of ['', 'a', 'a.b', 'a.b.c.d', 'a..c', 'a.b.c c', `${'a'.repeat(8192)}.b.c`]) {
    assert.equal(checking.tokens.find(junk, now), null, junk.slice(0, 20))
  }
  assert.deepEqual(await checking.find(await checking.tokens.sign(ALICE, now), now), ALICE)
})

test('a token that is not valid yet is checked again when its time has come', async () => {
  const spec = jwtSpec(directory, 'ES256', 'early')
  const checking = new Checking(spec)
  const now = Date.now()
  const fromSeconds = Math.floor(now / 1000) + 3600
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'ES256' })}.${part({ username: 'alice', revision: 7, nbf: fromSeconds })}`
  const key = { key: readFileSync(spec.privateKeyFile), dsaEncoding: 'ieee-p1363' } as const
  const early = `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
  assert.equal(await checking.find(early, now), null)
  assert.equal(checking.tokens.find(early, fromSeconds * 1000 - 1), null)
  assert.equal(checking.tokens.find(early, fromSeconds * 1000), 'unchecked')
})
