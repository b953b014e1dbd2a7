/** Every error of the catalogue that a request provokes on one member, with its exact code and text. */

import { strict as assert } from 'node:assert'
import { errorById, etcdErrors } from '../../../src/proto/etcd-errors.js'
import { CheckSuite } from '../../support/check-suite.js'
import { codeName } from '../../support/etcd-client.js'
import { errorOf } from '../../support/expect.js'
import { ERROR_CASES, type ErrorName } from './error-cases.js'

export const ERROR_CATALOGUE_SUITE = new CheckSuite('error catalogue')

for (const [name, found] of Object.entries(ERROR_CASES)) {
  if (!('by' in found)) continue
  const { id, code, message } = etcdErrors[name as ErrorName]
  ERROR_CATALOGUE_SUITE.add(`${name} is "${message}"`, async (context) => {
    assert.equal(errorById(id)?.symbol, etcdErrors[name as ErrorName].symbol)
    assert.equal(await errorOf(found.by(context)), `${codeName(code)} ${message}`)
  }, found.since === undefined ? {} : { since: found.since })
}
