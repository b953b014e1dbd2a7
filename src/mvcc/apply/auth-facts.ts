/**
 * Auth in the open transaction: who may do what right now, and what fronts are to be told about it once the batch is
 * committed. The order of the facts is that of the entries.
 */

import { AuthAccess } from '../../auth/auth-access.js'
import { EMPTY_BYTES, utf8, type Bytes } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Sender } from '../../messages/protocol.js'
import type { StoreView } from '../../store/store.js'

interface AuthFact {
  readonly stamp: number
  /** Whose tokens are void; or whose the new token is. */
  readonly user: Bytes
  readonly voidsAll: boolean
  readonly token: Bytes
}

export class AuthFacts {
  readonly access = new AuthAccess()
  #facts: AuthFact[] = []
  /** Position of the next message: fact by fact, each to every front. */
  #sent = 0
  /** Before the open transaction; 0 while nothing is known. */
  #stampBefore = 0

  get isEmpty(): boolean {
    return this.#facts.length === 0
  }

  /** The stamp that a batch found when it began. */
  get stampBefore(): number {
    return this.#stampBefore
  }

  begin(view: StoreView): void {
    if (this.access.stamp === 0) this.access.sync(view)
    this.#stampBefore = this.access.stamp
    this.#facts = []
    this.#sent = 0
  }

  /** The batch is not in the store. */
  abort(): void {
    this.access.forget()
    this.#facts = []
  }

  /**
   * The store is another. What became of tokens meanwhile is unknown; if users or roles have changed they are all void.
   * False when nothing has.
   */
  replaced(view: StoreView): boolean {
    const before = this.access.stamp
    this.access.forget()
    this.access.sync(view)
    this.#stampBefore = this.access.stamp
    this.#facts = []
    this.#sent = 0
    if (this.access.stamp === before) return false
    this.#add({ voidsAll: true })
    return true
  }

  /** Switch, user or role were written. */
  changed(view: StoreView): void {
    this.access.sync(view)
    this.#add({})
  }

  voidTokens(user: string): void {
    this.#add({ user: utf8(user) })
  }

  voidAllTokens(): void {
    this.#add({ voidsAll: true })
  }

  assignToken(user: string, token: string): void {
    this.#add({ user: utf8(user), token: utf8(token) })
  }

  /** Sends what is left to all fronts; true when all of it is sent, false when a ring is full. */
  send(fronts: readonly Sender<FrontMessages>[]): boolean {
    const end = this.#facts.length * fronts.length
    for (; this.#sent < end; this.#sent++) {
      const fact = this.#facts[Math.floor(this.#sent / fronts.length)] as AuthFact
      if (!sendFact(fronts[this.#sent % fronts.length] as Sender<FrontMessages>, fact)) return false
    }
    return true
  }

  #add({ user = EMPTY_BYTES, voidsAll = false, token = EMPTY_BYTES }: Partial<AuthFact>): void {
    this.#facts.push({ stamp: this.access.stamp, user, voidsAll, token })
  }
}

function sendFact(front: Sender<FrontMessages>, { stamp, user, voidsAll, token }: AuthFact): boolean {
  if (token.length > 0) return front.tokenAssigned({ user, token })
  return front.authChanged({ stamp, voidsAll: voidsAll ? 1 : 0, user })
}
