/** The writing ends of one thread: published together at the end of a turn, each reader's doorbell rung once. */

import type { Doorbell } from '../ring/doorbell.js'
import type { RingWriter } from '../ring/ring-writer.js'

interface Outlet {
  readonly writer: RingWriter
  /** Null when the reader lives on the same thread and needs no waking. */
  readonly doorbell: Doorbell | null
}

export class Outbox {
  readonly #outlets: Outlet[] = []
  readonly #published: Outlet[] = []

  add(writer: RingWriter, doorbell: Doorbell | null): void {
    this.#outlets.push({ writer, doorbell })
  }

  /** Publishes what was sent, all of it before anybody wakes. Returns the number of rings that had something. */
  flush(): number {
    const published = this.#published
    for (const outlet of this.#outlets) if (outlet.writer.publish()) published.push(outlet)
    const count = published.length
    if (count === 0) return 0
    // A doorbell shared by several rings wakes its reader at the first; the others find it awake.
    for (const { writer, doorbell } of published) if (doorbell?.ring() === true) writer.countWake()
    published.length = 0
    return count
  }
}
