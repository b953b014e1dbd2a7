/** Puts, ranges, transactions and mixtures of them. */

import { puts, ranges } from '../../../src/ctl/load/kv-requests.js'
import { mixes, spans, txns } from '../../../src/ctl/load/mixed-requests.js'
import { fill, measured, PREFIX, VALUE_BYTES } from './measured.js'
import type { CurvePoint, Workload } from './workload.js'

const KEYS = 100_000
const RANGED_KEYS = 1000
const QUICK_SHARE = 10

export const KV_WORKLOADS: readonly Workload[] = [
  ...[1, 100, 256, 1000].map((clients) => putLoad(clients)),
  ...[1, 256].flatMap((clients) => [rangeLoad(clients, false), rangeLoad(clients, true)]),
  spanLoad({ name: 'range of 1,000 keys, 16 clients', span: 1000, keys: 10_000, clients: 16 }),
  spanLoad({ name: 'range of 100,000 keys, 2 clients', span: 100_000, keys: 100_000, clients: 2 }),
  spanLoad({
    name: 'RangeStream of 100,000 keys, 2 clients', span: 100_000, keys: 100_000, clients: 2, isStream: true,
  }),
  txnLoad(256),
  mixLoad(256),
]

/** How it grows. */
export const KV_CURVES: readonly Workload[] = [
  ...[1, 4, 16, 64, 256, 1000, 4000].map((clients) =>
    putLoad(clients, { curve: 'put by clients', xTitle: 'clients', x: clients })),
  ...[1, 64, 256, 1024, 16_384, 262_144, 1_048_576].map((bytes) =>
    putLoad(bytes > 100_000 ? 8 : 64, { curve: 'put by size of values', xTitle: 'bytes', x: bytes }, bytes)),
  ...[10_000, 1_000_000, 5_000_000].map((keys) =>
    filledPuts(keys, { curve: 'put by number of keys', xTitle: 'keys', x: keys })),
  ...[1, 100, 1000, 10_000].map((connections) => putsOn(connections)),
]

function putLoad(clients: number, point?: CurvePoint, valueBytes = VALUE_BYTES): Workload {
  return {
    name: `put of ${valueBytes} B, ${clients} client${clients === 1 ? '' : 's'}`,
    unit: 'put',
    ...(point === undefined ? {} : { point }),
    run: (target, timing) =>
      measured(target, timing, { clients, generator: puts({ prefix: PREFIX, keys: keysFor(valueBytes), valueBytes }) }),
  }
}

/** The store stays within its quota however large the values are. */
function keysFor(valueBytes: number): number {
  return Math.max(100, Math.min(KEYS, Math.floor(200_000_000 / valueBytes)))
}

function filledPuts(keys: number, point: CurvePoint): Workload {
  return {
    name: `put of ${VALUE_BYTES} B among ${keys} keys, 256 clients`,
    unit: 'put',
    point,
    async run(target, timing) {
      const stored = timing.isQuick ? Math.floor(keys / QUICK_SHARE) : keys
      await fill(target, stored)
      const generator = puts({ prefix: PREFIX, keys: stored, valueBytes: VALUE_BYTES })
      return measured(target, timing, { clients: 256, generator })
    },
  }
}

function putsOn(connections: number): Workload {
  return {
    name: `put of ${VALUE_BYTES} B on ${connections} connections, a client each`,
    unit: 'put',
    point: { curve: 'put by connections', xTitle: 'connections', x: connections },
    run: (target, timing) => {
      const generator = puts({ prefix: PREFIX, keys: KEYS, valueBytes: VALUE_BYTES })
      return measured(target, timing, { clients: connections, connections, generator })
    },
  }
}

function rangeLoad(clients: number, serializable: boolean): Workload {
  const kind = serializable ? 'serializable' : 'linearizable'
  return {
    name: `range of one key, ${kind}, ${clients} client${clients === 1 ? '' : 's'}`,
    unit: 'range',
    async run(target, timing) {
      await fill(target, RANGED_KEYS)
      const generator = ranges({ prefix: PREFIX, keys: RANGED_KEYS, serializable })
      return measured(target, timing, { clients, generator })
    },
  }
}

function spanLoad(options: {
  readonly name: string
  readonly span: number
  readonly keys: number
  readonly clients: number
  readonly isStream?: boolean
}): Workload {
  const { name, clients, isStream = false } = options
  return {
    name,
    unit: 'range',
    async run(target, timing) {
      const share = timing.isQuick && options.keys > 10_000 ? QUICK_SHARE : 1
      const keys = options.keys / share
      const span = Math.min(options.span, keys)
      await fill(target, keys)
      return measured(target, timing, { clients, generator: spans({ prefix: PREFIX, keys, span, isStream }) })
    },
  }
}

function txnLoad(clients: number): Workload {
  return {
    name: `txn of a compare and a put, ${clients} clients`,
    unit: 'txn',
    run: (target, timing) =>
      measured(target, timing, { clients, generator: txns({ prefix: PREFIX, keys: KEYS, valueBytes: VALUE_BYTES }) }),
  }
}

function mixLoad(clients: number): Workload {
  return {
    name: `mixed, 80 ranges to 20 puts, ${clients} clients`,
    unit: 'call',
    async run(target, timing) {
      await fill(target, RANGED_KEYS)
      const generator = mixes({
        prefix: PREFIX, keys: RANGED_KEYS, valueBytes: VALUE_BYTES, readPercent: 80, serializable: false,
      })
      return measured(target, timing, { clients, generator })
    },
  }
}
