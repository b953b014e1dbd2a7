/** No error of the catalogue is without a test that provokes it, or a reason. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { ERROR_CASES, type ErrorName } from './error-cases.js'

const ROOT = new URL('../../../../', import.meta.url)

test('every error has a request that provokes it, a test elsewhere with its text, or a reason', () => {
  assert.deepEqual(Object.keys(ERROR_CASES).toSorted(), Object.keys(etcdErrors).toSorted())
  for (const [name, found] of Object.entries(ERROR_CASES)) {
    const { message } = etcdErrors[name as ErrorName]
    if ('in' in found) {
      const source = readFileSync(fileURLToPath(new URL(found.in, ROOT)), 'utf8')
      assert.ok(source.includes(message), `${found.in} does not hold the text of ${name}`)
    } else if ('why' in found) {
      assert.ok(found.why.length > 0, name)
    }
  }
})
