/** Bodies that are not what they should be. Each server has its own words for them, but the same ones are refused. */

import type { GatewayQuestion } from './gateway-request.js'

const BODIES: readonly string[] = [
  '{', '}', '[', '[]', '[{}]', 'null', 'true', '1', '"text"', 'garbage', '{}}', '{"key"}', '{"key":}',
  '{"key":"YQ=="', '{"key":"YQ==",}', '{,}', '{"key":"YQ==" "value":""}', "{'key':'YQ=='}", '{key:"YQ=="}',
  '{"key":"YQ==";}', ' \n\t ', '{"key":1}', '{"key":true}', '{"key":{}}', '{"key":[]}', '{"key":["YQ=="]}',
  '{"key":"Y"}', '{"key":"YQ="}', '{"key":"YQ"}', '{"key":"Y Q="}', '{"key":"*"}', '{"key":"===="}',
  '{"key":"_-8="}', '{"key":"YQ==","key":"Yg=="}', '{"key":"YQ==","lease":"x"}',
  '{"key":"YQ==","lease":"1.5"}', '{"key":"YQ==","lease":1.5}', '{"key":"YQ==","lease":1e0}',
  '{"key":"YQ==","lease":"9223372036854775808"}', '{"key":"YQ==","lease":9223372036854775808}',
  '{"key":"YQ==","lease":-1}', '{"key":"YQ==","lease":""}', '{"key":"YQ==","lease":" 1"}',
  '{"key":"YQ==","lease":01}', '{"key":"YQ==","lease":true}', '{"key":"YQ==","lease":{}}',
  '{"key":"YQ==","lease":null}', '{"key":"YQ==","prev_kv":1}', '{"key":"YQ==","prev_kv":"true"}',
  '{"key":"YQ==","prev_kv":null}', '{"key":"YQ==","x":tru}', '{"key":"YQ==","x":[1,]}',
  '{"key":"YQ==","x":"\\q"}', '{"key":"YQ==","x":"\\u12"}', '{"key":"YQ==","x":"\t"}', '{"key":"YQ==","x":.5}',
  '{"key":"YQ==","x":NaN}', '{"key":"YQ==","x":1e}', '{"key":"YQ==","x":-}', '{"key":"YQ==","":1}',
  '\ufeff{"key":"YQ=="}',
]

const RANGE_BODIES: readonly string[] = [
  '{"key":"YQ==","sort_order":"NOPE"}', '{"key":"YQ==","sort_order":"1"}', '{"key":"YQ==","sort_order":7}',
  '{"key":"YQ==","sort_order":1.5}', '{"key":"YQ==","sort_order":true}', '{"key":"YQ==","limit":"0x10"}',
  '{"key":"YQ==","limit":-5}', '{"key":"YQ==","range_end":"YQ==","rangeEnd":"Yg=="}',
]

const TXN_BODIES: readonly string[] = [
  '{"compare":{}}', '{"compare":[null]}', '{"compare":[[]]}', '{"compare":[1]}', '{"compare":null}',
  '{"success":[{"x":1}]}', '{"compare":[{"key":"YQ==","version":"1","value":"YQ=="}]}',
  '{"success":[{"request_put":[]}]}', '{"success":[{"request_put":null}]}',
]

export const MALFORMED: readonly GatewayQuestion[] = [
  ...BODIES.map((body) => malformed('/v3/kv/put', body)),
  ...RANGE_BODIES.map((body) => malformed('/v3/kv/range', body)),
  ...TXN_BODIES.map((body) => malformed('/v3/kv/txn', body)),
  malformed('/v3/lease/grant', '{"TTL":"ten"}'),
  malformed('/v3/maintenance/snapshot', '{"x":'),
  malformed('/v3/auth/user/add', '{"name":1}'),
  malformed('/v3/auth/user/add', '{"name":"a\\ud800"}'),
]

function malformed(path: string, body: string): GatewayQuestion {
  // Not every body that one of the two takes is taken by the other, so their revisions part.
  return { path, body, isDecoderText: true, mask: ['header', 'kvs', 'count'] }
}
