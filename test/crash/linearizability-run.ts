/** Records histories of single operations and small transactions through restarts, and has them judged. */

import { strict as assert } from 'node:assert'
import type { Prng } from '../../src/base/prng.js'
import {
  kvModel,
  type KvAnswer,
  type KvCompare,
  type KvInput,
  type KvOp,
  type KvOutput,
  type KvState,
} from '../../src/sim/checkers/kv-model.js'
import type { Model, Operation } from '../../src/sim/checkers/linearizability.js'
import { checkParts, describeViolation } from '../../src/sim/checkers/violation.js'
import { EtcdClient, EtcdError, type CallOptions } from '../support/etcd-client.js'
import {
  COMPARE_RESULT,
  COMPARE_TARGET,
  type RangeResponse,
  type RequestOpIn,
  type TxnRequestIn,
} from '../support/etcd-messages.js'
import { present, revisionOf } from '../support/expect.js'
import { ServerProcess, type ServerKind } from '../support/server-process.js'

/** The server was killed before it answered: this took effect before the restart, or never. */
export const CUT_OFF = 'cut off'
type Outcome = KvOutput | typeof CUT_OFF

export type History = Operation<KvInput, Outcome>[]
export type Shape = 'register' | 'txn'

export interface HistoryRound {
  readonly prng: Prng
  readonly round: number
  readonly shape: Shape
  readonly clients: number
  readonly restarts: number
}

interface RunOptions {
  readonly kind: ServerKind
  readonly dataDir: string
  readonly clientPort: number
}

const REGISTERS = 6
const TXN_KEYS = 3
const OPERATIONS_BEFORE_CRASH = 250
const STEPS_MAX = 20_000_000
/** Of what Range, Put or DeleteRange can ask, so much is asked by them; the rest is a transaction of one operation. */
export const PLAIN_SHARE = 0.5
/** gRPC codes after which an operation may still have happened. */
export const CUT_OFF_CODES = new Set([1, 2, 4, 13, 14])

export class HistoryRun {
  readonly #options: RunOptions
  #server: ServerProcess | undefined

  constructor(options: RunOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { clientPort } = this.#options
    this.#server = await ServerProcess.start({ ...this.#options, peerPort: clientPort + 1 })
  }

  async end(): Promise<void> {
    await this.#server?.kill()
  }

  /** Clients run until the server is killed, and again after the restart; the last time they end by themselves. */
  async round(options: HistoryRound): Promise<History> {
    const history: History = []
    const { prng, clients, restarts } = options
    for (let life = 0; life <= restarts; life++) {
      const isLast = life === restarts
      const count = prng.between(OPERATIONS_BEFORE_CRASH / 5, OPERATIONS_BEFORE_CRASH)
      const recorder = new Recorder(isLast ? count : Infinity)
      const running = Array.from({ length: clients }, (_, client) =>
        this.#runClient({ ...options, client: life * clients + client, recorder }),
      )
      if (!isLast) {
        await recorder.whenAnswered(count)
        await this.#server?.kill()
      }
      await Promise.all(running)
      if (!isLast) await this.start()
      history.push(...recorder.close())
    }
    return history
  }

  async #runClient(
    options: HistoryRound & { readonly client: number; readonly recorder: Recorder },
  ): Promise<void> {
    const { client, recorder, prng } = options
    const connection = new EtcdClient(`127.0.0.1:${this.#options.clientPort}`)
    let sequence = 0
    let seen: KvOutput | undefined
    while (recorder.goesOn()) {
      const value = `${client}.${++sequence}`
      const input = inventInput(prng, options, value, seen)
      const note = recorder.invoke(client, input)
      try {
        seen = await perform(connection, input, prng.chance(PLAIN_SHARE))
        note(seen)
      } catch (error) {
        if (!(error instanceof EtcdError) || !CUT_OFF_CODES.has(error.code)) throw error
        note(CUT_OFF)
        break
      }
    }
    connection.close()
  }
}

/** Notes calls and answers as they come. */
export class Recorder {
  readonly #noted: History = []
  readonly #answersMax: number
  #answered = 0
  #wake: (() => void) | undefined
  #wakeAt = Infinity

  constructor(answersMax: number) {
    this.#answersMax = answersMax
  }

  goesOn(): boolean {
    return this.#answered < this.#answersMax
  }

  get answered(): number {
    return this.#answered
  }

  invoke(client: number, input: KvInput): (output: Outcome) => void {
    const invokedAt = performance.now()
    return (output) => {
      this.#noted.push({ client, input, output, invokedAt, returnedAt: performance.now() })
      if (output !== CUT_OFF && ++this.#answered >= this.#wakeAt) this.#wake?.()
    }
  }

  whenAnswered(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeAt = count
      this.#wake = resolve
    })
  }

  /** To be called when the server is there again: nothing cut off can happen after that. */
  close(): History {
    const returnedAt = performance.now()
    return this.#noted
      .filter(({ output, input }) => output !== CUT_OFF || writes(input))
      .map((operation) => (operation.output === CUT_OFF ? { ...operation, returnedAt } : operation))
  }
}

function writes(input: KvInput): boolean {
  return [...input.success, ...(input.failure ?? [])].some((op) => op.kind !== 'get')
}

export function inventInput(
  prng: Prng,
  { shape, round }: Pick<HistoryRound, 'shape' | 'round'>,
  value: string,
  seen: KvOutput | undefined,
): KvInput {
  const count = shape === 'register' ? REGISTERS : TXN_KEYS
  const key = (i: number): string => `${shape}-${round}/${i}`
  const chosen = key(prng.between(0, count - 1))
  const keys = shape === 'register' ? [chosen] : Array.from({ length: count }, (_, i) => key(i))
  const put: KvOp = { kind: 'put', key: chosen, value }
  const reads = keys.map((one): KvOp => ({ kind: 'get', key: one }))
  switch (prng.between(0, 6)) {
    case 0:
    case 1:
      return { success: [put] }
    case 2:
      return { success: [{ kind: 'delete', key: chosen }] }
    case 3: {
      const compare = inventCompare(prng, { shape, key: chosen }, seen)
      return { compares: [compare], success: [put], failure: reads }
    }
    case 4:
      return { success: keys.map((one): KvOp => ({ kind: 'put', key: one, value })) }
    default:
      return { success: reads }
  }
}

/** Mostly against what the last answer showed, so that it holds now and then. */
function inventCompare(
  prng: Prng,
  { shape, key }: { readonly shape: Shape; readonly key: string },
  seen: KvOutput | undefined,
): KvCompare {
  const last = seen?.answers.find((answer) => answer.kind === 'get')
  if (last?.kind !== 'get' || last.value === undefined || prng.chance(0.2))
    return { key, target: 'version', equals: prng.between(0, 2) }
  // Registers are judged without revisions too, so they do not ask for any.
  if (shape === 'register' || prng.chance(0.5)) return { key, target: 'value', equals: last.value }
  return { key, target: 'modRevision', equals: last.modRevision ?? 0 }
}

/** `isPlain`: not as a transaction where there is another RPC for it. */
export async function perform(
  client: EtcdClient,
  input: KvInput,
  isPlain: boolean,
  options?: CallOptions,
): Promise<KvOutput> {
  const [op, ...others] = input.success
  const isSingle = op !== undefined && others.length === 0 && input.compares === undefined
  return isPlain && isSingle ? performOp(client, op, options) : performTxn(client, input, options)
}

async function performOp(client: EtcdClient, op: KvOp, options?: CallOptions): Promise<KvOutput> {
  const told = (response: Parameters<typeof revisionOf>[0], answer: KvAnswer): KvOutput => {
    return { succeeded: true, answers: [answer], revision: revisionOf(response) }
  }
  if (op.kind === 'put') return told(await client.put({ key: op.key, value: op.value }, options), { kind: 'put' })
  if (op.kind === 'delete') {
    const response = await client.deleteRange({ key: op.key }, options)
    return told(response, { kind: 'delete', deleted: response.deleted })
  }
  const response = await client.range({ key: op.key }, options)
  return told(response, toGetAnswer(response))
}

async function performTxn(client: EtcdClient, input: KvInput, options?: CallOptions): Promise<KvOutput> {
  const response = await client.txn(toRequest(input), options)
  const ops = response.succeeded ? input.success : (input.failure ?? [])
  const answers = ops.map((op, i): KvAnswer => {
    const one = present(response.responses[i])
    if (op.kind === 'put') return { kind: 'put' }
    if (op.kind === 'delete')
      return { kind: 'delete', deleted: present(one.responseDeleteRange).deleted }
    return toGetAnswer(present(one.responseRange))
  })
  return { succeeded: response.succeeded, answers, revision: revisionOf(response) }
}

function toGetAnswer({ kvs: [kv] }: RangeResponse): KvAnswer {
  if (kv === undefined) return { kind: 'get', value: undefined }
  const { version, modRevision } = kv
  return { kind: 'get', value: kv.value.toString('latin1'), version, modRevision }
}

function toRequest(input: KvInput): TxnRequestIn {
  return {
    compare: (input.compares ?? []).map((compare) => {
      const { key } = compare
      const result = COMPARE_RESULT.EQUAL
      if (compare.target === 'value')
        return { key, result, target: COMPARE_TARGET.VALUE, value: compare.equals }
      if (compare.target === 'version')
        return { key, result, target: COMPARE_TARGET.VERSION, version: compare.equals }
      return { key, result, target: COMPARE_TARGET.MOD, modRevision: compare.equals }
    }),
    success: input.success.map(toRequestOp),
    failure: (input.failure ?? []).map(toRequestOp),
  }
}

function toRequestOp(op: KvOp): RequestOpIn {
  if (op.kind === 'get') return { requestRange: { key: op.key } }
  if (op.kind === 'delete') return { requestDeleteRange: { key: op.key } }
  return { requestPut: { key: op.key, value: op.value } }
}

/**
 * Judges the history with the revisions that the answers showed; registers also without, as a
 * client sees them that looks at values only.
 */
export function judge(history: History, shape: Shape): void {
  judgeOne(history, shape, 'values and revisions')
  if (shape === 'register') judgeOne(history.map(withoutRevisions), shape, 'values')
}

function judgeOne(history: History, shape: Shape, name: string): void {
  const partOf = (input: KvInput): string =>
    shape === 'register' ? (input.success[0]?.key ?? '') : 'all'
  const verdict = checkParts(history, partOf, cutOffModel, { stepsMax: STEPS_MAX })
  if (verdict.verdict === 'violation') assert.fail(describeViolation(verdict))
  assert.equal(verdict.verdict, 'linearizable', `${name}: the search was too long`)
}

function cutOffModel(): Model<KvState, KvInput, Outcome> {
  const { initial, step, stateKey } = kvModel()
  return {
    initial,
    stateKey,
    step: (state, input, output) =>
      output === CUT_OFF ? [...step(state, input, undefined), state] : step(state, input, output),
  }
}

function withoutRevisions(operation: History[number]): History[number] {
  const { output } = operation
  if (output === undefined || output === CUT_OFF) return operation
  const answers = output.answers.map((answer): KvAnswer =>
    answer.kind === 'get' ? { kind: 'get', value: answer.value } : answer,
  )
  return { ...operation, output: { succeeded: output.succeeded, answers } }
}
