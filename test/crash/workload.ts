/**
 * Several clients at once against one server, each with a connection of its own, one operation
 * after the other, until told to stop or until the server is gone. A watcher on everything listens
 * meanwhile.
 */

import { Prng } from '../../src/base/prng.js'
import { EtcdClient, EtcdError } from '../support/etcd-client.js'
import { revisionOf } from '../support/expect.js'
import { openWatch, type WatchStream } from '../support/watch-stream.js'
import { changesOf, deleteAnswer, putAnswer, rangeAnswer, txnAnswer, type Change } from './answers.js'
import { Journal, type Outcome } from './journal.js'
import type { Answer } from './model-store.js'
import { OperationSource, type HeldLease } from './operation-source.js'
import { toRequest, toTxnRequest, type Operation } from './operation.js'

export interface WorkloadOptions {
  readonly endpoint: string
  readonly seed: number
  readonly round: number
  readonly clients: number
  /** The watcher starts here: everything up to the revision before it is known already. */
  readonly watchFrom: number
  /** Leases that earlier clients left, dealt out to these. */
  readonly leases?: readonly HeldLease[]
  /** Goes on with what this one, now ended, has noted and heard. */
  readonly after?: Workload
}

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
/** gRPC codes after which an operation may still have happened. */
const CUT_OFF = new Set([1, 2, 4, 13, 14])

export class Workload {
  readonly journal: Journal
  /** What the watcher has heard, in order. */
  readonly heard: Change[]
  readonly #options: WorkloadOptions
  readonly #running: Promise<unknown>[] = []
  #isStopping = false
  #watch: WatchStream | undefined

  constructor(options: WorkloadOptions) {
    this.#options = options
    this.journal = options.after?.journal ?? new Journal()
    this.heard = options.after?.heard ?? []
  }

  async start(): Promise<void> {
    const { endpoint, clients, seed, round, watchFrom } = this.#options
    const listener = new EtcdClient(endpoint)
    const startRevision = (this.heard.at(-1)?.revision ?? watchFrom - 1) + 1
    const { stream } = await openWatch(listener, { ...EVERYTHING, startRevision })
    this.#watch = stream
    this.#running.push(this.#listen(stream).finally(() => listener.close()))
    for (let client = 0; client < clients; client++) {
      const prng = new Prng(seed * 1000 + client)
      const seenRevision = (): number => this.heard.at(-1)?.revision ?? 0
      const leases = (this.#options.leases ?? []).filter((_, i) => i % clients === client)
      const source = new OperationSource({ prng, client, round, seenRevision, leases })
      this.#running.push(this.#run(client, source))
    }
  }

  /** Resolves when no client is left: each ends at its first cut-off operation. */
  async clientsEnded(): Promise<void> {
    await Promise.all(this.#running.slice(1))
  }

  /** Lets every client finish its operation; the watcher ends too. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.clientsEnded()
    this.#watch?.cancel()
    await this.#running[0]
  }

  async #listen(stream: WatchStream): Promise<void> {
    for (;;) {
      const response = await stream.poll(60_000)
      if (response === undefined) return
      if (response.canceled) throw new Error(`watch canceled at ${response.compactRevision}`)
      this.heard.push(...changesOf(response))
    }
  }

  async #run(client: number, source: OperationSource): Promise<void> {
    const connection = new EtcdClient(this.#options.endpoint)
    while (!this.#isStopping) {
      const op = source.next()
      const entry = this.journal.invoke(client, op)
      const outcome = await perform(connection, op, source)
      this.journal.settle(entry, outcome)
      if (outcome.kind === 'unknown') break
    }
    connection.close()
  }
}

async function perform(
  client: EtcdClient,
  op: Operation,
  source: OperationSource,
): Promise<Outcome> {
  try {
    const { revision, answer } = await call(client, op, source)
    return { kind: 'answered', revision, answer }
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error
    return { kind: CUT_OFF.has(error.code) ? 'unknown' : 'refused', error: error.toText() }
  }
}

async function call(
  client: EtcdClient,
  op: Operation,
  source: OperationSource,
): Promise<{ revision: number; answer: Answer | undefined }> {
  switch (op.kind) {
    case 'put': {
      const response = await client.put(toRequest(op))
      source.saw(op.key, revisionOf(response), op.value)
      return { revision: revisionOf(response), answer: putAnswer(response) }
    }
    case 'delete': {
      const response = await client.deleteRange(toRequest(op))
      return { revision: revisionOf(response), answer: deleteAnswer(response) }
    }
    case 'range': {
      const response = await client.range(toRequest(op))
      for (const { key, modRevision, value } of response.kvs)
        source.saw(key.toString('latin1'), modRevision, value.toString('latin1'))
      return { revision: revisionOf(response), answer: rangeAnswer(response) }
    }
    case 'txn': {
      const response = await client.txn(toTxnRequest(op))
      return { revision: revisionOf(response), answer: txnAnswer(response) }
    }
    case 'grant':
      return { revision: revisionOf(await client.leaseGrant({ id: op.id, ttl: op.ttl })), answer: undefined }
    case 'revoke':
      return { revision: revisionOf(await client.leaseRevoke(op.id)), answer: undefined }
    case 'compact':
      return { revision: revisionOf(await client.compact(op)), answer: undefined }
    case 'renew': {
      const stream = client.leaseKeepAlive()
      stream.send({ id: op.id })
      const response = await stream.poll(10_000)
      stream.cancel()
      if (response === undefined) throw new EtcdError(14, 'keep-alive stream ended')
      if (response.ttl === 0) throw new EtcdError(5, 'keep-alive: lease not found')
      return { revision: revisionOf(response), answer: undefined }
    }
  }
}
