/** The table of options against the rows of the compatibility page, which have etcd's names, kinds and defaults. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { optionNamed, OPTIONS } from '../../src/config/options/options.js'
import type { OptionKind } from '../../src/config/options/option-spec.js'
import { parseArea } from '../../scripts/compatibility-rows.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PATH = 'test/compat/rows/flags.tsv'
const ROWS = parseArea(PATH, readFileSync(join(ROOT, PATH), 'utf8')).rows

/** Options that etcd does not have. */
const OWN = [
  'max-connections', 'actor-threads', 'front-workers', 'watch-workers', 'snapshot-workers', 'hash-workers',
  'password-workers', 'idle-strategy', 'stage-clocks', 'wal-batch-bytes', 'wal-batch-delay', 'apply-batch-entries',
  'apply-batch-bytes', 'wal-stall-handover', 'snapshot-transfer-megabytes',
]

const KINDS: Readonly<Record<string, readonly OptionKind[]>> = {
  string: ['string', 'choice'],
  'string list': ['list'],
  // Origins of --cors are compared as texts; `*` is no URL.
  'url list': ['urls', 'list'],
  bool: ['bool'],
  int: ['integer'],
  int64: ['integer'],
  uint: ['count', 'size'],
  uint32: ['count'],
  uint64: ['count'],
  duration: ['duration'],
  enum: ['choice'],
  'map string->bool': ['gates'],
}

test('every flag that has a row is an option of its kind with its default', () => {
  let compared = 0
  for (const { id, where } of ROWS) {
    const match = /^(\S.*?), default (.*?)(?:; not in etcd)?$/.exec(where)
    if (!id.startsWith('--') || match === null) continue
    const [, kind, text] = match as unknown as [string, string, string]
    const option = optionNamed(id.slice(2))
    assert.ok(option !== undefined, `${id} is no option`)
    assert.ok(KINDS[kind]?.includes(option.kind), `${id} is a ${option.kind}, etcd has a ${kind}`)
    const own = option.shown ?? option.default
    // The list of bbolt has two names for its default.
    const etcd = text === 'empty' || id === '--backend-bbolt-freelist-type' ? '' : text
    assert.equal(own, etcd, id)
    compared++
  }
  assert.ok(compared > 100, `${compared} defaults`)
})

test('every option has a row, but for those that etcd does not have', () => {
  const ids = new Set(ROWS.map(({ id }) => id))
  const without = OPTIONS.map(({ name }) => name).filter((name) => !ids.has(`--${name}`) && !OWN.includes(name))
  assert.deepEqual(without, [])
})
