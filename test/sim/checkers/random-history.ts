/**
 * Makes random histories by running operations one at a time and stretching their times, and judges
 * small ones by trying every order.
 */

import { Prng } from '../../../src/base/prng.js'
import type { KvAnswer, KvInput, KvOp, KvOutput } from '../../../src/sim/checkers/kv-model.js'
import type { Model, Operation } from '../../../src/sim/checkers/linearizability.js'

export interface HistoryOptions {
  readonly seed: number
  readonly operations: number
  readonly clients: number
  readonly keys: number
  readonly unknownChance: number
  /** Changes one answer to another plausible one, which may or may not make the history wrong. */
  readonly mutate?: boolean
}

interface Stored {
  readonly value: string
  readonly version: number
  readonly modRevision: number
}

/** Each operation takes effect at a time of its own; its call and return lie around that time. */
export function randomHistory(options: HistoryOptions): Operation<KvInput, KvOutput>[] {
  const prng = new Prng(options.seed)
  const store = new Map<string, Stored>()
  const freeAt = new Array<number>(options.clients).fill(0)
  const history: Operation<KvInput, KvOutput>[] = []
  let revision = 1
  for (let i = 0; i < options.operations; i++) {
    const input = randomInput(prng, options.keys, i, store)
    const effectAt = i * 10 + 5
    const client = prng.between(0, options.clients - 1)
    const invokedAt = Math.max(freeAt[client] as number, effectAt - prng.between(0, 40))
    if (invokedAt > effectAt) continue
    const isUnknown = prng.chance(options.unknownChance)
    if (isUnknown && prng.chance(0.5)) {
      history.push({ client, input, output: undefined, invokedAt, returnedAt: Infinity })
      continue
    }
    const run = execute(store, input, revision)
    revision = run.revision
    const returnedAt = effectAt + prng.between(0, 40)
    freeAt[client] = returnedAt + 1
    history.push({
      client,
      input,
      output: isUnknown ? undefined : run.output,
      invokedAt,
      returnedAt,
    })
  }
  if (options.mutate === true) mutateOne(prng, history)
  return history
}

function randomInput(
  prng: Prng,
  keys: number,
  unique: number,
  store: ReadonlyMap<string, Stored>,
): KvInput {
  const key = `k${prng.between(0, keys - 1)}`
  const value = `v${unique}`
  const put: KvOp = { kind: 'put', key, value }
  switch (prng.between(0, 6)) {
    case 0:
      return { success: [put] }
    case 1:
      return { success: [{ kind: 'delete', key }] }
    case 2: {
      const equals = prng.chance(0.7)
        ? (store.get(key)?.value ?? 'none')
        : `v${prng.between(0, unique)}`
      return {
        compares: [{ key, target: 'value', equals }],
        success: [put],
        failure: [{ kind: 'get', key }],
      }
    }
    case 3: {
      const equals = prng.chance(0.7) ? (store.get(key)?.modRevision ?? 0) : prng.between(0, unique)
      return { compares: [{ key, target: 'modRevision', equals }], success: [put] }
    }
    case 4:
      return {
        success: Array.from({ length: keys }, (_, k): KvOp => ({
          kind: 'put',
          key: `k${k}`,
          value,
        })),
      }
    case 5:
      return {
        success: Array.from({ length: keys }, (_, k): KvOp => ({ kind: 'get', key: `k${k}` })),
      }
    default:
      return { success: [{ kind: 'get', key }] }
  }
}

/**
 * A second, plainer store than the model: it mutates one map, and shares no code with what is under
 * test.
 */
function execute(
  store: Map<string, Stored>,
  input: KvInput,
  revision: number,
): { output: KvOutput; revision: number } {
  const succeeded = (input.compares ?? []).every((compare) => {
    const stored = store.get(compare.key)
    if (compare.target === 'value') return stored?.value === compare.equals
    return (stored?.[compare.target] ?? 0) === compare.equals
  })
  let next = revision
  const answers: KvAnswer[] = []
  for (const op of (succeeded ? input.success : input.failure) ?? []) {
    const stored = store.get(op.key)
    if (op.kind === 'get') {
      answers.push({
        kind: 'get',
        value: stored?.value,
        ...(stored === undefined
          ? {}
          : { version: stored.version, modRevision: stored.modRevision }),
      })
    } else if (op.kind === 'delete') {
      answers.push({ kind: 'delete', deleted: store.delete(op.key) ? 1 : 0 })
      if (stored !== undefined) next = revision + 1
    } else {
      next = revision + 1
      store.set(op.key, { value: op.value, version: (stored?.version ?? 0) + 1, modRevision: next })
      answers.push({ kind: 'put' })
    }
  }
  return { output: { succeeded, answers, revision: next }, revision: next }
}

function mutateOne(prng: Prng, history: Operation<KvInput, KvOutput>[]): void {
  if (history.length === 0) return
  const at = prng.between(0, history.length - 1)
  const operation = history[at] as Operation<KvInput, KvOutput>
  const output = operation.output
  if (output === undefined) return
  const answers = output.answers.map((answer): KvAnswer => {
    if (answer.kind === 'get')
      return { kind: 'get', value: prng.chance(0.3) ? undefined : `v${prng.between(0, 5)}` }
    return answer.kind === 'delete' ? { kind: 'delete', deleted: 1 - answer.deleted } : answer
  })
  const revision = (output.revision ?? 1) + prng.between(-1, 1)
  history[at] = { ...operation, output: { ...output, answers, revision } }
}

/**
 * Tries every order that respects real time, with every subset of the operations of unknown
 * outcome.
 */
export function acceptsByBruteForce<State, In, Out>(
  history: readonly Operation<In, Out>[],
  model: Model<State, In, Out>,
): boolean {
  const place = (state: State, left: readonly Operation<In, Out>[]): boolean => {
    if (left.every((operation) => operation.output === undefined)) return true
    return left.some((operation) => {
      const mustWait = left.some(
        (other) => other.output !== undefined && other.returnedAt < operation.invokedAt,
      )
      if (mustWait) return false
      const rest = left.filter((other) => other !== operation)
      return model.step(state, operation.input, operation.output).some((next) => place(next, rest))
    })
  }
  return place(model.initial, history)
}

/** Whether the model accepts these answers in this very order. */
export function runInOrder<State, In, Out>(
  history: readonly Operation<In, Out>[],
  order: readonly number[],
  model: Model<State, In, Out>,
): boolean {
  let states: readonly State[] = [model.initial]
  for (const index of order) {
    const operation = history[index] as Operation<In, Out>
    states = states.flatMap((state) => model.step(state, operation.input, operation.output))
  }
  return states.length > 0
}
