/** Who may ask over HTTP. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpAccess } from '../../../src/front/http/http-access.js'
import { MemoryExchange } from '../gateway/support/memory-exchange.js'

const ORIGIN = 'Access-Control-Allow-Origin'

function originFor(corsOrigins: readonly string[], origin?: string): string | undefined {
  const exchange = new MemoryExchange(origin === undefined ? {} : { fields: ['Origin', origin] })
  assert.equal(new HttpAccess({ corsOrigins, hostWhitelist: ['*'] }).admit(exchange), true)
  const at = exchange.added.indexOf(ORIGIN)
  return at < 0 ? undefined : exchange.added[at + 1]
}

test('with no list of origins every answer may be read by everyone', () => {
  assert.equal(originFor(['*']), '*')
  assert.equal(originFor(['*'], 'http://a'), '*')
})

test('with a list of origins only those on it may read the answer', () => {
  assert.equal(originFor(['http://a', 'http://b'], 'http://b'), 'http://b')
  assert.equal(originFor(['http://a'], 'http://b'), undefined)
  assert.equal(originFor(['http://a']), undefined)
})

test('OPTIONS is answered with nothing', () => {
  const exchange = new MemoryExchange({ method: 'OPTIONS' })
  assert.equal(new HttpAccess({ corsOrigins: ['*'], hostWhitelist: ['*'] }).admit(exchange), false)
  assert.deepEqual([exchange.status, exchange.contentType, exchange.text], [200, '', ''])
})

test('a plain request must name a host on the list, whatever the port', () => {
  const access = new HttpAccess({ corsOrigins: ['*'], hostWhitelist: ['example.com', '::1'] })
  const isAdmitted = (authority: string, isEncrypted = false): boolean =>
    access.admit(new MemoryExchange({ authority, isEncrypted }))
  assert.deepEqual(
    ['example.com', 'example.com:2379', '[::1]:2379', '::1'].map((host) => isAdmitted(host)),
    [true, true, true, true],
  )
  assert.deepEqual(
    ['', 'evil.example.com', 'example.com.evil:2379', '127.0.0.1:2379', 'localhost'].map((host) => isAdmitted(host)),
    [false, false, false, false, false],
  )
  assert.equal(isAdmitted('evil', true), true)
  const refused = new MemoryExchange({ authority: 'evil:80' })
  access.admit(refused)
  assert.deepEqual([refused.status, refused.text.includes('--host-whitelist "evil"')], [421, true])
})

test('while names of certificates are names of users, the gateway takes none', () => {
  const statusFor = (target: string, certificateName: string, areNamesUsers: boolean): number => {
    const exchange = new MemoryExchange({ target, certificateName, isEncrypted: true })
    new HttpAccess({ corsOrigins: ['*'], hostWhitelist: ['*'], areNamesUsers: () => areNamesUsers }).admit(exchange)
    return exchange.status
  }
  assert.equal(statusFor('/v3/kv/range', 'ann', true), 400)
  assert.equal(statusFor('/v3beta/kv/range', 'ann', true), 400)
  assert.deepEqual(
    [statusFor('/version', 'ann', true), statusFor('/v3/kv/range', '', true), statusFor('/v3/kv/range', 'ann', false)],
    [0, 0, 0],
  )
})
