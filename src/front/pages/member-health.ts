/** What a health page may ask of this member. Every question has exactly one answer: null when all is well. */

import { AlarmBit } from '../../keyspace/tables/alarm-table.js'
import { Word } from '../../messages/shared-words.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'

export type Answered = (failure: string | null) => void

export class MemberHealth {
  readonly #context: FrontContext
  readonly #reads: ReadPath

  constructor(context: FrontContext, reads: ReadPath) {
    this.#context = context
    this.#reads = reads
  }

  get hasLeader(): boolean {
    return this.#context.words.loadId(Word.leaderId) !== 0n
  }

  /** Names of the alarms that are active on any member. */
  alarms(): readonly string[] {
    const bits = this.#context.words.load(Word.alarms)
    const names: string[] = []
    if ((bits & AlarmBit.noSpace) !== 0) names.push('NOSPACE')
    if ((bits & AlarmBit.corrupt) !== 0) names.push('CORRUPT')
    return names
  }

  /** Reads as a client would; one that does not come through in time is the failure. */
  read(linearizable: boolean, answered: Answered): void {
    if (this.#reads.isFull) {
      answered(etcdErrors.requestTooManyRequests.message)
      return
    }
    const task = {
      call: null,
      run: () => answered(null),
      expire: () => answered(etcdErrors.timeout.message),
    }
    if (linearizable) this.#reads.linearizable(task, this.#context.clock.nowMs())
    else this.#reads.whenFresh(task)
    this.#context.requestTurn()
  }
}
