/** The header of this member's responses, with the term as it is now. */

import { Word, type SharedWords } from '../../messages/shared-words.js'
import { ResponseHeaderWriter } from '../../proto/hot/response-header-writer.js'

export interface HeaderFields {
  readonly cluster_id: bigint
  readonly member_id: bigint
  readonly revision: number
  readonly raft_term: number
}

export class ResponseHeaders extends ResponseHeaderWriter {
  readonly #clusterId: bigint
  readonly #memberId: bigint
  readonly #words: SharedWords

  constructor(clusterId: bigint, memberId: bigint, words: SharedWords) {
    super(clusterId, memberId)
    this.#clusterId = clusterId
    this.#memberId = memberId
    this.#words = words
  }

  /** For codecs that take objects. A revision of 0 stays off the wire. */
  fields(revision: number): HeaderFields {
    return {
      cluster_id: this.#clusterId,
      member_id: this.#memberId,
      revision,
      raft_term: this.#words.load(Word.term),
    }
  }

  /** Makes the header of `revision` the one that `writeField` writes. */
  encode(revision: number): void {
    this.set(revision, this.#words.load(Word.term))
  }
}
