/** Rights against a model that asks for one key after the other. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuthAccess, NOBODY, type AttachedKeys, type Principal } from '../../src/auth/auth-access.js'
import { writeAuthFlags, writeRole, writeUser } from '../../src/auth/auth-tables.js'
import { requestNeeds } from '../../src/auth/request-needs.js'
import { utf8 } from '../../src/base/bytes.js'
import { Prng } from '../../src/base/prng.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { AskedMaker, wire, type LeaseHoldings } from './random-asked.js'
import { ENDS, decide, randomGrant, type ModelAsker, type ModelGrant, type ModelOutcome } from './rights-model.js'

const STATES = 400
const REQUESTS_OF_STATE = 300
const REVISION = 7
const PERMISSION = { read: 0, write: 1, both: 2 } as const

interface State {
  readonly access: AuthAccess
  readonly store: MemoryStore
  readonly users: ReadonlyMap<string, { grants: readonly ModelGrant[]; isRoot: boolean }>
  readonly leases: LeaseHoldings
  readonly keys: AttachedKeys
}

function randomState(random: Prng): State {
  const store = new MemoryStore()
  const roles = new Map(['r1', 'r2', 'r3'].map((name) => [name, some(random, 4, () => randomGrant(random))]))
  const users = new Map<string, { grants: readonly ModelGrant[]; isRoot: boolean }>()
  store.transact((transaction) => {
    writeAuthFlags(transaction, { enabled: true, revision: REVISION })
    for (const [name, grants] of roles) {
      const keyPermission = grants.map((grant) => ({ ...wire(grant), permType: PERMISSION[grant.type] }))
      writeRole(transaction, { name: utf8(name), keyPermission })
    }
    for (const name of ['u1', 'u2', 'u3', 'u4']) {
      const held = [...roles.keys()].filter(() => random.chance(0.4))
      const isRoot = name === 'u4'
      // A role that is gone gives nothing.
      writeUser(transaction, {
        name: utf8(name), password: utf8('x'), options: undefined,
        roles: [...held, 'gone', ...(isRoot ? ['root'] : [])],
      })
      users.set(name, { grants: held.flatMap((role) => roles.get(role) ?? []), isRoot })
    }
  })
  const access = new AuthAccess()
  const snapshot = store.beginRead()
  access.sync(snapshot)
  for (const name of [...users.keys(), 'nobody']) access.user(snapshot, name)
  snapshot.close()
  const leases = new Map([1n, 2n, 3n].map((id) => [id, id === 1n ? [] : some(random, 3, () => random.pick(ENDS))]))
  const keys: AttachedKeys = {
    leaseKeys(leaseId, visit) {
      for (const key of leases.get(leaseId) ?? []) if (!visit({ copy: () => utf8(key) })) return
    },
  }
  return { access, store, users, leases, keys }
}

function some<T>(random: Prng, max: number, make: () => T): T[] {
  return Array.from({ length: random.between(0, max) }, make)
}

/** Somebody who asks, as the code and as the model knows it. */
function randomAsker(random: Prng, { users }: State): { who: Principal; model: ModelAsker } {
  if (random.chance(0.05)) {
    return { who: NOBODY, model: { grants: null, isRoot: false, named: false, proof: 'none' } }
  }
  const name = random.pick([...users.keys(), 'nobody'])
  const proof = random.chance(0.1) ? 'old' : 'current'
  const user = users.get(name)
  const model = { grants: user?.grants ?? null, isRoot: user?.isRoot ?? false, named: true, proof } as const
  return { who: { user: name, revision: proof === 'old' ? REVISION - 1 : REVISION }, model }
}

function outcomeOf(error: number): ModelOutcome {
  if (error === 0) return 'yes'
  const found = Object.entries(etcdErrors).find(([, { id }]) => id === error)
  return found?.[0] as ModelOutcome
}

test('120,000 random requests are allowed exactly when every key they touch is, one by one', (t) => {
  const seed = Number(process.env['SEED'] ?? 20_260_301)
  t.diagnostic(`seed ${seed}`)
  const random = new Prng(seed)
  const outcomes = new Map<string, number>()
  for (let round = 0; round < STATES; round++) {
    const state = randomState(random)
    const maker = new AskedMaker(random, state.leases)
    for (let i = 0; i < REQUESTS_OF_STATE; i++) {
      const { name, asked, model } = maker.next()
      const asker = randomAsker(random, state)
      const user = state.access.known(asker.who.user) ?? null
      const outcome = outcomeOf(state.access.check(user, asker.who, requestNeeds(asked), state.keys))
      const expected = decide(asker.model, model)
      if (outcome !== expected) {
        const detail = JSON.stringify({ name, touches: model.touches, asker: asker.model, who: asker.who })
        assert.equal(outcome, expected, `seed ${seed}, state ${round}, request ${i}: ${detail}`)
      }
      const key = `${name}: ${outcome}`
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
    }
  }
  for (const name of ['range', 'put', 'delete', 'txn', 'watch', 'revoke', 'leaseKeepAlive', 'leaseKeys', 'list']) {
    for (const outcome of ['yes', 'permissionDenied', 'userEmpty', 'authOldRevision']) {
      assert.ok((outcomes.get(`${name}: ${outcome}`) ?? 0) > 50, `${name}: ${outcome} occurs`)
    }
  }
})

test('while auth is off everybody may do everything', () => {
  const random = new Prng(1)
  const state = randomState(random)
  state.access.enabled = false
  const maker = new AskedMaker(random, state.leases)
  for (let i = 0; i < 1000; i++) {
    assert.equal(state.access.check(null, NOBODY, requestNeeds(maker.next().asked), state.keys), 0)
  }
})

test('users and roles are read again when their revision moves, and not before', () => {
  const { access, store } = randomState(new Prng(2))
  assert.equal(access.known('u4')?.isRoot, true)
  const demote = (revision: number): void => {
    store.transact((transaction) => {
      writeUser(transaction, { name: utf8('u4'), password: utf8('x'), options: undefined, roles: [] })
      writeAuthFlags(transaction, { enabled: true, revision })
    })
    const snapshot = store.beginRead()
    access.sync(snapshot)
    assert.equal(access.user(snapshot, 'u4')?.isRoot, revision === REVISION)
    snapshot.close()
  }
  demote(REVISION)
  demote(REVISION + 1)
})
