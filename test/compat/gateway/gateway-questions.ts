/** Every path of the gateway, in an order in which each question sees what those before it did. */

import type { GatewayQuestion } from './gateway-request.js'
import { MALFORMED } from './malformed-questions.js'

type Options = Omit<GatewayQuestion, 'path' | 'body'>

export function b64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function ask(path: string, body: object | string, options: Options = {}): GatewayQuestion {
  return { path, body: typeof body === 'string' ? body : JSON.stringify(body), ...options }
}

const KV: readonly GatewayQuestion[] = [
  ask('/v3/kv/put', { key: b64('a'), value: b64('1') }),
  ask('/v3/kv/put', { key: b64('a'), value: b64('2'), prev_kv: true }),
  ask('/v3/kv/put', { key: b64('a'), value: b64('3'), prevKv: true }),
  ask('/v3/kv/put', { key: b64('b'), value: b64('4'), lease: '0' }),
  ask('/v3/kv/put', { key: b64('b'), ignore_value: true, value: b64('5') }),
  ask('/v3/kv/put', { key: b64('none'), ignoreValue: true }),
  ask('/v3/kv/put', { key: b64('b'), lease: '99' }),
  ask('/v3/kv/put', { value: b64('no key') }),
  ask('/v3/kv/put', ''),
  ask('/v3/kv/put', { key: b64('b'), value: b64('v'), unknown: { deep: [1, 2, { x: null }] } }),
  ask('/v3/kv/put', { key: 'w77Cvw==', value: '/+8=' }),
  ask('/v3/kv/put', '{"key":"\\/\\/8=", "value":"MQ=="}'),
  ask('/v3/kv/put', '{"key":"Y\\u0051==","value":null}'),
  ask('/v3/kv/range', { key: b64('a') }),
  ask('/v3/kv/range', { key: b64('a'), range_end: b64('z') }),
  ask('/v3/kv/range', { key: b64('a'), rangeEnd: b64('z'), limit: '1' }),
  ask('/v3/kv/range', { key: b64('a'), range_end: b64('z'), limit: 2 }),
  ask('/v3/kv/range', { key: 'AA==', range_end: 'AA==', keys_only: true, sort_order: 'DESCEND', sort_target: 'MOD' }),
  ask('/v3/kv/range', { key: 'AA==', range_end: 'AA==', sort_order: 2, sort_target: 4 }),
  ask('/v3/kv/range', { key: 'AA==', range_end: 'AA==', count_only: true }),
  ask('/v3/kv/range', { key: b64('a'), revision: '2' }),
  ask('/v3/kv/range', { key: b64('a'), revision: 999 }),
  ask('/v3/kv/range', { key: b64('a'), serializable: true }),
  ask('/v3/kv/range', { key: 'AA==', range_end: 'AA==', min_mod_revision: '4', max_create_revision: 5 }),
  ask('/v3/kv/range', {}),
  ask('/v3/kv/range', { key: b64('nothing') }),
  ask('/v3/kv/range', `{"key":"${b64('a')}"}{"key":"${b64('b')}"} trailing`),
  ask('/v3beta/kv/range', { key: b64('a') }),
  ask('/v3/kv/deleterange', { key: b64('b'), prev_kv: true }),
  ask('/v3/kv/deleterange', { key: b64('b') }),
  ask('/v3/kv/deleterange', {}),
  ask('/v3/kv/txn', {
    compare: [{ target: 'CREATE', key: b64('a'), create_revision: '2', result: 'EQUAL' }],
    success: [{ request_put: { key: b64('t'), value: b64('1') } }, { requestRange: { key: b64('a') } }],
    failure: [{ request_delete_range: { key: b64('a') } }],
  }),
  ask('/v3/kv/txn', {
    compare: [{ target: 'VALUE', key: b64('a'), value: b64('x'), result: 'NOT_EQUAL' }],
    success: [{
      request_txn: {
        compare: [{ target: 1, key: b64('t'), create_revision: 0, result: 0 }],
        failure: [{ request_delete_range: { key: b64('t'), prev_kv: true } }],
      },
    }],
  }),
  ask('/v3/kv/txn', { compare: [{ key: b64('a'), version: '9' }], failure: [{ request_range: { key: b64('a') } }] }),
  ask('/v3/kv/txn', {}),
  ask('/v3/kv/txn', { success: [{}] }),
  ask('/v3/kv/txn', { success: [{ request_put: { key: b64('d') } }, { request_put: { key: b64('d') } }] }),
  ask('/v3/kv/compaction', { revision: '3' }),
  ask('/v3/kv/compaction', { revision: '3' }),
  ask('/v3/kv/compaction', { revision: 4, physical: true }),
  ask('/v3/kv/compaction', { revision: '999' }),
  ask('/v3/kv/range', { key: b64('a'), revision: '2' }),
]

const LEASE: readonly GatewayQuestion[] = [
  ask('/v3/lease/grant', { TTL: '5000', ID: '777' }),
  ask('/v3/lease/grant', { TTL: 5000, ID: 777 }),
  ask('/v3/lease/grant', { TTL: '6000', ID: '7587862094584840531' }),
  ask('/v3/lease/grant', { TTL: '99999999999' }),
  ask('/v3/kv/put', { key: b64('leased'), value: b64('1'), lease: '777' }),
  ask('/v3/kv/put', `{"key":"${b64('leased2')}","lease":7587862094584840531}`),
  ask('/v3/kv/range', { key: b64('leased'), range_end: b64('leasez') }),
  ask('/v3/lease/timetolive', { ID: '777', keys: true }, { mask: ['TTL'] }),
  ask('/v3/kv/lease/timetolive', { ID: '777' }, { mask: ['TTL'] }),
  ask('/v3/lease/timetolive', { ID: '1' }),
  ask('/v3/lease/leases', {}),
  ask('/v3/kv/lease/leases', {}),
  ask('/v3/lease/keepalive', { ID: '777' }),
  ask('/v3/lease/keepalive', '{"ID":"777"}{"ID":777}\n{"ID":"1"}'),
  ask('/v3/lease/keepalive', ''),
  ask('/v3/lease/revoke', { ID: '777' }),
  ask('/v3/lease/revoke', { ID: '777' }),
  ask('/v3/kv/lease/revoke', { ID: '7587862094584840531' }),
  ask('/v3/lease/keepalive', { ID: '777' }),
]

const WATCH: readonly GatewayQuestion[] = [
  ask('/v3/kv/put', { key: b64('w'), value: b64('1') }),
  ask('/v3/watch', { create_request: { key: b64('w'), start_revision: '5' } }, { lines: 2 }),
  ask('/v3/watch', { create_request: { key: b64('w'), watch_id: '7', prev_kv: true } }, { lines: 1 }),
  ask('/v3/watch', { createRequest: { key: b64('w'), startRevision: 1 } }, { lines: 2 }),
  ask('/v3/watch', { create_request: { key: b64('z'), range_end: b64('a') } }, { lines: 1 }),
  ask('/v3/watch', `{"create_request":{"key":"${b64('w')}"}} {"create_request":{"key":"${b64('v')}"}}`, { lines: 2 }),
  ask('/v3/watch', `{"create_request":{"key":"${b64('w')}"}}{"cancel_request":{"watch_id":"0"}}`, { lines: 2 }),
  ask('/v3/watch', { create_request: { key: b64('w'), filters: ['NOPUT', 1], start_revision: '5' } }, { lines: 1 }),
]

const CLUSTER: readonly GatewayQuestion[] = [
  ask('/v3/cluster/member/list', {}, { mask: ['clientURLs'] }),
  ask('/v3/cluster/member/remove', { ID: '1' }),
  ask('/v3/cluster/member/update', { ID: '1', peerURLs: ['http://127.0.0.1:1'] }),
  ask('/v3/cluster/member/promote', { ID: '1' }),
  ask('/v3/cluster/member/add', { peerURLs: ['::not a url'] }),
]

const MAINTENANCE: readonly GatewayQuestion[] = [
  ask('/v3/maintenance/status', {}, {
    mask: ['dbSize', 'dbSizeInUse', 'raftIndex', 'raftAppliedIndex', 'version'],
  }),
  ask('/v3/maintenance/alarm', {}),
  ask('/v3/maintenance/alarm', { action: 'GET', alarm: 'NOSPACE' }),
  ask('/v3/maintenance/defragment', {}),
  ask('/v3/maintenance/hash', {}, { mask: ['hash'] }),
  ask('/v3/maintenance/hashkv', {}, { mask: ['hash'] }),
  ask('/v3/maintenance/snapshot', {}, { namesOnly: true }),
  ask('/v3/maintenance/transfer-leadership', { targetID: '1' }),
  ask('/v3/maintenance/downgrade', { action: 'VALIDATE', version: '3.6.0' }),
]

const LOCKS: readonly GatewayQuestion[] = [
  ask('/v3/lease/grant', { TTL: '5000', ID: '900' }),
  ask('/v3/lock/lock', { name: b64('mutex'), lease: '900' }),
  ask('/v3/lock/lock', { name: b64('mutex'), lease: '1' }),
  ask('/v3/lock/unlock', { key: b64('mutex/384') }),
  ask('/v3/lock/unlock', {}),
  ask('/v3/election/leader', { name: b64('chair') }),
  ask('/v3/election/campaign', { name: b64('chair'), lease: '900', value: b64('me') }),
  ask('/v3/election/leader', { name: b64('chair') }),
  ask('/v3/election/observe', { name: b64('chair') }, { lines: 1 }),
  ask('/v3/election/proclaim', { leader: { name: b64('chair'), key: b64('none'), rev: '1', lease: '900' } }),
  ask('/v3/election/resign', {}),
]

const TOKEN = { authorization: '{TOKEN}' }

const AUTH: readonly GatewayQuestion[] = [
  ask('/v3/auth/status', {}),
  ask('/v3/auth/authenticate', { name: 'root', password: 'pw' }),
  ask('/v3/auth/user/add', { name: 'root', password: 'pw' }),
  ask('/v3/auth/user/add', { name: 'root', password: 'pw' }),
  ask('/v3/auth/user/add', { name: 'ann', password: 'secret' }),
  ask('/v3/auth/user/add', { name: 'bob', options: { no_password: true } }),
  ask('/v3/auth/user/add', { name: '' }),
  ask('/v3/auth/user/list', {}),
  ask('/v3/auth/user/get', { name: 'ann' }),
  ask('/v3/auth/user/get', { name: 'nobody' }),
  ask('/v3/auth/user/changepw', { name: 'ann', password: 'other' }),
  ask('/v3/auth/role/add', { name: 'root' }),
  ask('/v3/auth/role/add', { name: 'reader' }),
  ask('/v3/auth/role/grant', { name: 'reader', perm: { permType: 'READ', key: b64('a'), range_end: b64('c') } }),
  ask('/v3/auth/role/grant', { name: 'reader', perm: { permType: 2, key: b64('own') } }),
  ask('/v3/auth/role/get', { role: 'reader' }),
  ask('/v3/auth/role/revoke', { role: 'reader', key: b64('own') }),
  ask('/v3/auth/role/list', {}),
  ask('/v3/auth/user/grant', { user: 'root', role: 'root' }),
  ask('/v3/auth/user/grant', { user: 'ann', role: 'reader' }),
  ask('/v3/auth/user/grant', { user: 'ann', role: 'nothing' }),
  ask('/v3/auth/enable', {}),
  ask('/v3/auth/status', {}),
  ask('/v3/kv/range', { key: b64('a') }),
  ask('/v3/kv/put', { key: b64('a') }, { headers: { authorization: 'wrong' } }),
  ask('/v3/watch', { create_request: { key: b64('a') } }, { lines: 1 }),
  ask('/v3/auth/authenticate', { name: 'ann', password: 'wrong' }),
  ask('/v3/auth/authenticate', { name: 'ann', password: 'other' }, { mask: ['token'], keepsToken: true }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: TOKEN }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'Grpc-Metadata-Token': '{TOKEN}' } }),
  ask('/v3/kv/put', { key: b64('a') }, { headers: TOKEN }),
  ask('/v3/auth/user/list', {}, { headers: TOKEN }),
  ask('/v3/watch', { create_request: { key: b64('a'), start_revision: '5' } }, { headers: TOKEN, lines: 1 }),
  ask('/v3/auth/authenticate', { name: 'root', password: 'pw' }, { mask: ['token'], keepsToken: true }),
  ask('/v3/kv/put', { key: b64('a'), value: b64('root') }, { headers: TOKEN }),
  ask('/v3/auth/user/revoke', { name: 'ann', role: 'reader' }, { headers: TOKEN }),
  ask('/v3/auth/role/delete', { role: 'reader' }, { headers: TOKEN }),
  ask('/v3/auth/user/delete', { name: 'ann' }, { headers: TOKEN }),
  ask('/v3/auth/disable', {}, { headers: TOKEN }),
  ask('/v3/auth/disable', {}),
]

const HTTP: readonly GatewayQuestion[] = [
  ask('/v3/kv/nothing', {}),
  ask('/v3/kv/range/', {}),
  ask('/v3/kv', {}),
  ask('/v3/', {}),
  ask('/v3', {}),
  ask('/v2/keys', {}),
  ask('/v3/kv%2Frange', { key: b64('a') }),
  ask('/v3/kv/range?key=ignored', { key: b64('a') }),
  ask('/v3/kv/range', '', { method: 'GET' }),
  ask('/v3/kv/range', '', { method: 'HEAD' }),
  ask('/v3/kv/range', {}, { method: 'PUT' }),
  ask('/v3/kv/range', {}, { method: 'DELETE' }),
  ask('/v3/kv/range', {}, { method: 'OPTIONS' }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'content-type': 'text/plain' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'x-http-method-override': 'GET' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'grpc-timeout': '5S' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'grpc-timeout': '5' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'grpc-timeout': '0S' } }),
  ask('/v3/kv/range', { key: b64('a') }, { headers: { 'grpc-metadata-hasleader': 'true' } }),
]

export const QUESTIONS: readonly GatewayQuestion[] = [
  ...KV, ...LEASE, ...WATCH, ...CLUSTER, ...MAINTENANCE, ...LOCKS, ...AUTH, ...HTTP, ...MALFORMED,
]
