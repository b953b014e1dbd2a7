/**
 * Checks whole histories, split into independent parts, and explains the first part that fails: the
 * shortest beginning of it that cannot be ordered, the answer that broke it, and what overlapped
 * that answer.
 */

import {
  DEFAULT_LIMITS,
  searchOrder,
  type Limits,
  type Model,
  type Operation,
  type SearchResult,
} from './linearizability.js'

export interface Violation<In, Out> {
  readonly verdict: 'violation'
  readonly part: string
  /** The operation whose answer no order can explain, given all that had returned before it. */
  readonly culprit: Operation<In, Out>
  readonly overlapping: readonly Operation<In, Out>[]
  /** One legal order of the operations before the culprit's answer, the latest last. */
  readonly orderBefore: readonly Operation<In, Out>[]
  /** The state at the end of that order, as the model prints it. */
  readonly stateBefore: string
  readonly operationCount: number
}

export type Verdict<In, Out> =
  | { readonly verdict: 'linearizable'; readonly parts: number; readonly operations: number }
  | { readonly verdict: 'undecided'; readonly part: string; readonly steps: number }
  | Violation<In, Out>

const ORDER_SHOWN_MAX = 12

/**
 * Splits `history` by `partOf` (operations of different parts must not touch the same keys) and
 * checks each part with the model that `modelOf` gives for it. A violation in any part outweighs an
 * undecided one.
 */
export function checkParts<State, In, Out>(
  history: readonly Operation<In, Out>[],
  partOf: (input: In) => string,
  modelOf: (part: string) => Model<State, In, Out>,
  limits: Limits = DEFAULT_LIMITS,
): Verdict<In, Out> {
  const parts = new Map<string, Operation<In, Out>[]>()
  for (const operation of history) {
    const name = partOf(operation.input)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  let undecided: Verdict<In, Out> | undefined
  for (const [part, operations] of parts) {
    const model = modelOf(part)
    const result = searchOrder(operations, model, limits)
    if (result.verdict === 'violation') return explain(part, operations, model, limits)
    if (result.verdict === 'undecided')
      undecided = { verdict: 'undecided', part, steps: result.steps }
  }
  return undecided ?? { verdict: 'linearizable', parts: parts.size, operations: history.length }
}

/**
 * Finds the shortest beginning that fails. What is linearizable stays so when cut short, so
 * bisection is exact.
 */
function explain<State, In, Out>(
  part: string,
  operations: readonly Operation<In, Out>[],
  model: Model<State, In, Out>,
  limits: Limits,
): Violation<In, Out> {
  const answered = operations
    .filter((operation) => operation.output !== undefined)
    .sort((a, b) => a.returnedAt - b.returnedAt)
  let fits = 0
  let fails = answered.length
  while (fails - fits > 1) {
    const middle = (fits + fails) >>> 1
    const cut = prefix(operations, answered, middle)
    if (searchOrder(cut, model, limits).verdict === 'violation') fails = middle
    else fits = middle
  }
  const culprit = answered[fails - 1] as Operation<In, Out>
  const before = prefix(operations, answered, fails - 1).filter(
    (operation) => operation.output !== undefined || operation.invokedAt <= culprit.returnedAt,
  )
  const ordered = searchOrder(before, model, limits)
  return {
    verdict: 'violation',
    part,
    culprit,
    overlapping: operations.filter((other) => other !== culprit && overlaps(other, culprit)),
    orderBefore: orderOf(ordered, before).slice(-ORDER_SHOWN_MAX),
    stateBefore: ordered.verdict === 'linearizable' ? model.stateKey(ordered.state) : 'not found',
    operationCount: operations.length,
  }
}

/**
 * The history as it stood when the first `count` answers had arrived: later answers are not known
 * yet.
 */
function prefix<In, Out>(
  operations: readonly Operation<In, Out>[],
  answered: readonly Operation<In, Out>[],
  count: number,
): Operation<In, Out>[] {
  const known = new Set(answered.slice(0, count))
  const end = answered[count - 1]?.returnedAt ?? -Infinity
  return operations
    .filter((operation) => operation.invokedAt <= end)
    .map((operation) => (known.has(operation) ? operation : { ...operation, output: undefined }))
}

function orderOf<State, In, Out>(
  result: SearchResult<State>,
  operations: readonly Operation<In, Out>[],
): Operation<In, Out>[] {
  if (result.verdict !== 'linearizable') return []
  return result.order.map((index) => operations[index] as Operation<In, Out>)
}

function overlaps<In, Out>(a: Operation<In, Out>, b: Operation<In, Out>): boolean {
  const aEnd = a.output === undefined ? Infinity : a.returnedAt
  const bEnd = b.output === undefined ? Infinity : b.returnedAt
  return a.invokedAt <= bEnd && b.invokedAt <= aEnd
}

/** The violation as text for a person. */
export function describeViolation<In, Out>(violation: Violation<In, Out>): string {
  const line = (operation: Operation<In, Out>): string => {
    const end = operation.output === undefined ? '...' : operation.returnedAt.toFixed(2)
    return (
      `  client ${operation.client} [${operation.invokedAt.toFixed(2)}, ${end}] ` +
      `${JSON.stringify(operation.input)} -> ${JSON.stringify(operation.output) ?? 'unknown'}`
    )
  }
  return [
    `not linearizable: part ${violation.part}, ${violation.operationCount} operations`,
    'no order explains this answer:',
    line(violation.culprit),
    'overlapping it:',
    ...violation.overlapping.slice(0, ORDER_SHOWN_MAX).map(line),
    `one legal order of what came before it ends in state ${violation.stateBefore}:`,
    ...violation.orderBefore.map(line),
  ].join('\n')
}
