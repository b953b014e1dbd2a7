/** How a load is laid on a server and what is read of both meanwhile. */

import { GrpcLoad, runLoad, type LoadResult } from '../../../src/ctl/load/grpc-load.js'
import { H2Client } from '../../../src/ctl/load/h2-client.js'
import { puts } from '../../../src/ctl/load/kv-requests.js'
import type { GeneratorName } from '../../../src/ctl/load/request-generator.js'
import { OpenLoop } from '../../support/open-loop.js'
import type { Reading } from '../../support/reading.js'
import type { Target } from '../../support/target.js'
import type { Timing } from './workload.js'

export const PREFIX = 'bench/'
export const VALUE_BYTES = 256
/** As etcd's own load generator is used: some hundred clients on a few connections. */
const CLIENTS_PER_CONNECTION = 32
const CONNECTIONS_MAX = 16
/** Loads of fewer clients are preceded by one of so many. */
const WARM_CLIENTS = 64
const FILL_CLIENTS = 256

export interface LoadPlan {
  readonly clients: number
  readonly connections?: number
  readonly generator: GeneratorName
  readonly shape?: 'unary' | 'chat'
}

export async function measured(target: Target, timing: Timing, plan: LoadPlan): Promise<Reading> {
  if (plan.clients < WARM_CLIENTS && plan.shape !== 'chat') await warmUp(target, timing, plan.generator)
  return timing.rate === null ? closedLoop(target, timing, plan) : openLoop(target, timing, plan, timing.rate)
}

async function closedLoop(target: Target, timing: Timing, plan: LoadPlan): Promise<Reading> {
  const { host, port } = target
  const { clients, generator, shape = 'unary' } = plan
  const load = await GrpcLoad.start({
    host, port, clients, connections: plan.connections ?? connectionsFor(clients), generator, shape,
  })
  await load.begin()
  await wait(timing.warmupMs)
  const before = await target.cpuSeconds()
  await load.measure()
  await wait(timing.durationMs)
  const cpuSeconds = (await target.cpuSeconds()) - before
  return readingOf(target, await load.end(), cpuSeconds)
}

/** Latency counts from when an operation was due, so that what it had to wait is in it (coordinated omission). */
async function openLoop(target: Target, timing: Timing, plan: LoadPlan, perSecond: number): Promise<Reading> {
  const { host, port } = target
  const connections = plan.connections ?? connectionsFor(plan.clients)
  const loop = await OpenLoop.start({ host, port, perSecond, connections, generator: plan.generator })
  await wait(timing.warmupMs)
  const before = await target.cpuSeconds()
  const result = await loop.measure(timing.durationMs)
  const cpuSeconds = (await target.cpuSeconds()) - before
  loop.stop()
  return {
    ...result,
    serverCpuUs: (cpuSeconds * 1e6) / result.count,
    clientCpuUs: NaN,
    bytesPerSecond: NaN,
    ...memoryOf(target),
  }
}

export function readingOf(target: Target, result: LoadResult, cpuSeconds: number): Reading {
  const { perSecond, p50Us, p99Us, p999Us, clientCpuUs, errors, firstError, count, curve, seconds } = result
  if (count === 0 && errors > 0) throw new Error(firstError)
  return {
    perSecond, p50Us, p99Us, p999Us, clientCpuUs, errors, firstError, curve,
    serverCpuUs: (cpuSeconds * 1e6) / count,
    bytesPerSecond: result.bytesReceived / seconds,
    ...memoryOf(target),
  }
}

export function memoryOf({ process }: Target): Pick<Reading, 'residentBytes' | 'anonymousBytes'> {
  return { residentBytes: process?.residentBytes() ?? 0, anonymousBytes: process?.anonymousBytes() ?? 0 }
}

/**
 * A few clients take minutes to do what a server that has been in use for a while has behind it: the engine's machine
 * code, grown buffers, a store of some size. Both servers get the same.
 */
export async function warmUp({ host, port }: Target, timing: Timing, generator: GeneratorName): Promise<void> {
  const connections = connectionsFor(WARM_CLIENTS)
  const load = { host, port, clients: WARM_CLIENTS, connections, generator }
  await runLoad({ ...load, warmupMs: 0, durationMs: 2 * timing.warmupMs })
}

/** Every key from number 0 to `keys`, once. */
export async function fill(target: Target, keys: number, valueBytes = VALUE_BYTES): Promise<void> {
  const generator = puts({ prefix: PREFIX, keys, valueBytes, isInOrder: true })
  const { host, port } = target
  const load = await GrpcLoad.start({
    host, port, clients: FILL_CLIENTS, connections: connectionsFor(FILL_CLIENTS), generator,
  })
  await load.begin()
  await load.measure()
  for (let stored = 0; stored < keys;) {
    // Counting is work for the server as well.
    await wait(Math.max(50, keys / 2000))
    stored = await countKeys(target, keys)
  }
  const { errors, firstError } = await load.end()
  if (errors > 0) throw new Error(`keys could not be stored: ${firstError}`)
}

async function countKeys({ host, port }: Target, keys: number): Promise<number> {
  const { decodeRangeResponse, encodeRangeRequest } = await import('../../../src/proto/generated/etcdserverpb.js')
  const request = encodeRangeRequest({
    key: Buffer.from(PREFIX), range_end: Buffer.from(`${PREFIX}~`), count_only: true, serializable: true,
  })
  const [answer] = await askAll(host, port, '/etcdserverpb.KV/Range', [Buffer.from(request)])
  return answer === undefined ? 0 : Math.min(keys, Number(decodeRangeResponse(answer, 0, answer.length).count))
}

/** Calls one after the other on one connection; their answers. */
export async function askAll(
  host: string, port: number, method: string, requests: readonly Buffer[],
): Promise<Buffer[]> {
  const answers: Buffer[] = []
  let next: (problem: string) => void = () => undefined
  const client = await H2Client.connect(host, port, {
    onMessage: (_, bytes, start, end) => void answers.push(Buffer.from(bytes.subarray(start, end))),
    onEnd: (_, status, message) => next(status === 0 ? '' : `${status} ${message}`),
    onClosed: (reason) => next(reason),
  })
  try {
    for (const request of requests) {
      const problem = await new Promise<string>((resolve) => {
        next = resolve
        client.call(0, method, request, request.length)
        client.flush()
      })
      if (problem !== '') throw new Error(`${method}: ${problem}`)
    }
    return answers
  } finally {
    client.close()
  }
}

export function connectionsFor(clients: number): number {
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.ceil(clients / CLIENTS_PER_CONNECTION)))
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
