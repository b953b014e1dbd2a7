/** Whether an entry may be applied while auth is enabled: every member decides it again, in the state of that entry. */

import { NOBODY, type Principal } from '../../auth/auth-access.js'
import { askedBody } from '../../auth/asked-body.js'
import { requestNeeds } from '../../auth/request-needs.js'
import { text } from '../../base/bytes.js'
import type { RaftRequestView } from '../../proto/hot/raft-request.js'
import type { ApplyTransaction } from './apply-transaction.js'

export class EntryGuard {
  readonly #transaction: ApplyTransaction

  constructor(transaction: ApplyTransaction) {
    this.#transaction = transaction
  }

  /** Returns an error id, 0 for leave to go on. */
  check(request: RaftRequestView): number {
    const { auth, tables, view } = this.#transaction
    const { bytes, bodyField, bodyStart, bodyEnd } = request
    const needs = requestNeeds(askedBody(bodyField, bytes, bodyStart, bodyEnd))
    if (needs.from === 'anybody') return 0
    const who = principalOf(request)
    const user = who.user === '' ? null : auth.access.user(tables, who.user)
    return auth.access.check(user, who, needs, view)
  }
}

function principalOf({ bytes, usernameStart, usernameEnd, authRevision }: RaftRequestView): Principal {
  if (usernameStart === usernameEnd && authRevision === 0) return NOBODY
  return { user: text(bytes.subarray(usernameStart, usernameEnd)), revision: authRevision }
}
