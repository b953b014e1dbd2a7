/**
 * What the clients of one round asked and learned. The order of calls and answers is kept as one
 * growing count, which is a clock good enough for "before".
 */

import type { Answer } from './model-store.js'
import type { Operation } from './operation.js'

export type Outcome =
  | { readonly kind: 'answered'; readonly revision: number; readonly answer: Answer | undefined }
  /** The server said no, so nothing happened. */
  | { readonly kind: 'refused'; readonly error: string }
  /** Cut off: it may have happened. */
  | { readonly kind: 'unknown'; readonly error: string }

export interface Entry {
  readonly client: number
  readonly op: Operation
  readonly invokedAt: number
  returnedAt: number
  outcome: Outcome
}

export class Journal {
  readonly entries: Entry[] = []
  answered = 0
  #now = 0
  #waiters: { readonly count: number; readonly resolve: () => void }[] = []

  invoke(client: number, op: Operation): Entry {
    const outcome: Outcome = { kind: 'unknown', error: 'not returned' }
    const entry = { client, op, invokedAt: ++this.#now, returnedAt: Infinity, outcome }
    this.entries.push(entry)
    return entry
  }

  settle(entry: Entry, outcome: Outcome): void {
    entry.returnedAt = ++this.#now
    entry.outcome = outcome
    if (outcome.kind !== 'answered') return
    this.answered++
    this.#waiters = this.#waiters.filter(({ count, resolve }) => {
      if (count > this.answered) return true
      resolve()
      return false
    })
  }

  /** Resolves as soon as this many operations have been answered. */
  whenAnswered(count: number): Promise<void> {
    if (this.answered >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ count, resolve }))
  }
}

export function describeEntry(entry: Entry): string {
  const text = JSON.stringify({ op: entry.op, outcome: entry.outcome }, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}`
    return typeof value === 'string' && value.length > 60 ? `${value.slice(0, 60)}...` : value
  })
  return `client ${entry.client} [${entry.invokedAt}, ${entry.returnedAt}] ${text}`
}
