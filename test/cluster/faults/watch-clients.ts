/** One watch of everything through one member, taken up again after the last whole revision whenever it breaks. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Change } from '../../../src/sim/checkers/truth.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import type { WatchResponse } from '../../support/etcd-messages.js'
import { present } from '../../support/expect.js'

export const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
const RETRY_MS = 100
const QUIET_MS_MAX = 3000

export interface Heard {
  readonly changes: readonly Change[]
  readonly atMs: number
}

export class WatchClient {
  readonly name: string
  /** One for each response. */
  readonly heard: Heard[] = []
  readonly #client: EtcdClient
  readonly #onChange: (change: Change) => void

  constructor(name: string, client: EtcdClient, onChange: (change: Change) => void = () => undefined) {
    this.name = name
    this.#client = client
    this.#onChange = onChange
  }

  /** Everything below has been heard. */
  get next(): number {
    return (this.heard.at(-1)?.changes.at(-1)?.modRevision ?? 1) + 1
  }

  /** Until `untilRevision` has been heard, whenever it is known. */
  async run(untilRevision: () => number): Promise<void> {
    while (this.next <= untilRevision()) {
      await this.#listen(untilRevision).catch(() => undefined)
      await delay(RETRY_MS)
    }
  }

  async #listen(untilRevision: () => number): Promise<void> {
    const stream = this.#client.watch()
    stream.send({ createRequest: { ...EVERYTHING, startRevision: this.next } })
    try {
      while (this.next <= untilRevision()) {
        const response = await stream.poll(QUIET_MS_MAX)
        // What stays silent for long is tried anew: its member may be gone without a word.
        if (response === undefined || response.canceled) return
        this.#take(response)
      }
    } finally {
      stream.cancel()
    }
  }

  #take({ events }: WatchResponse): void {
    if (events.length === 0) return
    const changes = events.map((event): Change => {
      const { key, value, createRevision, modRevision, version, lease } = present(event.kv)
      const text = event.type === 0 ? value.toString('latin1') : null
      return { key: key.toString('latin1'), value: text, createRevision, modRevision, version, leaseId: lease }
    })
    this.heard.push({ changes, atMs: performance.now() })
    for (const change of changes) this.#onChange(change)
  }
}
