/**
 * Decides whether a concurrent history could have happened one operation at a time: the search of
 * Wing and Gong with Lowe's memoisation of (operations taken, state). Pure; bounded by steps, so
 * that "undecided" is an answer.
 */

/**
 * One call as its client saw it. Times are any numbers that grow; on equal times calls count as
 * overlapping.
 */
export interface Operation<In, Out> {
  readonly client: number
  readonly input: In
  /**
   * Undefined when the client never learned the outcome: it may take effect at any later time, or
   * never.
   */
  readonly output: Out | undefined
  readonly invokedAt: number
  /** Ignored when the outcome is unknown. */
  readonly returnedAt: number
}

export interface Model<State, In, Out> {
  readonly initial: State
  /**
   * The states that may follow when `input` takes effect and answers `output` (any answer, when
   * undefined). Empty when that answer is impossible in this state; several when what is not known
   * yet allows several.
   */
  step(state: State, input: In, output: Out | undefined): readonly State[]
  /** Equal exactly for states that no later operation can tell apart. */
  stateKey(state: State): string
}

export interface Limits {
  readonly stepsMax: number
}

export type SearchResult<State> =
  | { readonly verdict: 'linearizable'; readonly order: readonly number[]; readonly state: State }
  | { readonly verdict: 'violation' }
  | { readonly verdict: 'undecided'; readonly steps: number }

export const DEFAULT_LIMITS: Limits = { stepsMax: 2_000_000 }

/** A call or a return in the doubly linked list of events that have not been taken yet. */
interface Entry {
  readonly operation: number
  readonly isCall: boolean
  /** The return of a call; undefined for a return, and for a call that never returned. */
  readonly answer: Entry | undefined
  previous: Entry | undefined
  next: Entry | undefined
}

interface Frame<State> {
  readonly entry: Entry
  readonly before: State
  readonly choices: readonly State[]
  choice: number
}

/** Searches for one legal order of `history`. `order` in the answer lists indexes of `history`. */
export function searchOrder<State, In, Out>(
  history: readonly Operation<In, Out>[],
  model: Model<State, In, Out>,
  limits: Limits = DEFAULT_LIMITS,
): SearchResult<State> {
  return new Search(history, model, limits).run()
}

class Search<State, In, Out> {
  readonly #history: readonly Operation<In, Out>[]
  readonly #model: Model<State, In, Out>
  readonly #limits: Limits
  readonly #head: Entry
  readonly #seen: SeenStates
  readonly #stack: Frame<State>[] = []
  #state: State
  /** Operations with a known outcome that are not in the order yet: none left means found. */
  #answersLeft: number
  #steps = 0

  constructor(
    history: readonly Operation<In, Out>[],
    model: Model<State, In, Out>,
    limits: Limits,
  ) {
    this.#history = history
    this.#model = model
    this.#limits = limits
    this.#state = model.initial
    this.#head = linkEvents(history)
    this.#seen = new SeenStates(history.length)
    this.#answersLeft = history.reduce(
      (n, operation) => n + (operation.output === undefined ? 0 : 1),
      0,
    )
  }

  run(): SearchResult<State> {
    let entry = this.#head.next
    while (this.#answersLeft > 0) {
      if (++this.#steps > this.#limits.stepsMax) return { verdict: 'undecided', steps: this.#steps }
      if (entry?.isCall === true) {
        entry = this.#tryCall(entry) ? this.#head.next : entry.next
        continue
      }
      // A return was reached whose call could not be placed, or the end of the list: undo the
      // latest choice.
      const frame = this.#stack.pop()
      if (frame === undefined) return { verdict: 'violation' }
      this.#undo(frame)
      frame.choice++
      entry = this.#takeChoice(frame) ? this.#head.next : frame.entry.next
    }
    return {
      verdict: 'linearizable',
      order: this.#stack.map((f) => f.entry.operation),
      state: this.#state,
    }
  }

  #tryCall(entry: Entry): boolean {
    const operation = this.#history[entry.operation] as Operation<In, Out>
    const choices = this.#model.step(this.#state, operation.input, operation.output)
    if (choices.length === 0) return false
    return this.#takeChoice({ entry, before: this.#state, choices, choice: 0 })
  }

  /** Takes the frame's operation with the first of its remaining states that was not met before. */
  #takeChoice(frame: Frame<State>): boolean {
    const { entry, choices } = frame
    for (; frame.choice < choices.length; frame.choice++) {
      const state = choices[frame.choice] as State
      this.#seen.flip(entry.operation)
      if (!this.#seen.add(this.#model.stateKey(state))) {
        this.#seen.flip(entry.operation)
        continue
      }
      this.#stack.push(frame)
      this.#state = state
      if (entry.answer !== undefined) this.#answersLeft--
      lift(entry)
      return true
    }
    return false
  }

  #undo(frame: Frame<State>): void {
    this.#state = frame.before
    this.#seen.flip(frame.entry.operation)
    if (frame.entry.answer !== undefined) this.#answersLeft++
    unlift(frame.entry)
  }
}

/**
 * The pairs (set of operations taken, state) already searched. Exact: the hash only finds the
 * bucket.
 */
class SeenStates {
  readonly #bits: Uint32Array
  readonly #marks: Uint32Array
  #hash = 0
  readonly #buckets = new Map<number, { readonly bits: Uint32Array; readonly key: string }[]>()

  constructor(operationCount: number) {
    this.#bits = new Uint32Array((operationCount + 31) >>> 5)
    this.#marks = Uint32Array.from({ length: operationCount }, (_, i) => mix(i + 1))
  }

  flip(operation: number): void {
    const word = operation >>> 5
    this.#bits[word] = ((this.#bits[word] as number) ^ (1 << (operation & 31))) >>> 0
    this.#hash = (this.#hash ^ (this.#marks[operation] as number)) >>> 0
  }

  /** Notes the present set with this state; false when it was noted before. */
  add(key: string): boolean {
    const bucket = this.#buckets.get(this.#hash)
    if (bucket === undefined) {
      this.#buckets.set(this.#hash, [{ bits: this.#bits.slice(), key }])
      return true
    }
    for (const item of bucket) {
      if (item.key === key && item.bits.every((word, i) => word === this.#bits[i])) return false
    }
    bucket.push({ bits: this.#bits.slice(), key })
    return true
  }
}

function mix(n: number): number {
  let z = Math.imul(n, 0x9e3779b9) >>> 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return (z ^ (z >>> 15)) >>> 0
}

/** Links calls and returns in the order of their times and gives a head before the first. */
function linkEvents<In, Out>(history: readonly Operation<In, Out>[]): Entry {
  const events: { readonly time: number; readonly entry: Entry }[] = []
  history.forEach((operation, index) => {
    let answer: Entry | undefined
    if (operation.output !== undefined) {
      answer = {
        operation: index,
        isCall: false,
        answer: undefined,
        previous: undefined,
        next: undefined,
      }
      events.push({ time: operation.returnedAt, entry: answer })
    }
    const call = { operation: index, isCall: true, answer, previous: undefined, next: undefined }
    events.push({ time: operation.invokedAt, entry: call })
  })
  // On equal times calls come first: that makes the two overlap, which accepts more, never less.
  events.sort((a, b) => a.time - b.time || Number(b.entry.isCall) - Number(a.entry.isCall))
  const head: Entry = {
    operation: -1,
    isCall: false,
    answer: undefined,
    previous: undefined,
    next: undefined,
  }
  let last = head
  for (const { entry } of events) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return head
}

function lift(call: Entry): void {
  unlink(call)
  if (call.answer !== undefined) unlink(call.answer)
}

/** Puts a lifted pair back. The return first: its links were taken after the call had gone. */
function unlift(call: Entry): void {
  if (call.answer !== undefined) relink(call.answer)
  relink(call)
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next
  if (entry.next !== undefined) entry.next.previous = entry.previous
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry
  if (entry.next !== undefined) entry.next.previous = entry
}
