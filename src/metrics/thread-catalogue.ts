/** What each thread counts about itself in a page of its own, whatever actors it runs. Shown with its name. */

import { allocateCountersPage } from '../ring/counters-page.js'
import { exponential, PageLayout, type Family } from './metric-family.js'

const layout = new PageLayout()

export const threadCounters = Object.freeze({
  turns: layout.counter('raftring_turns_total', 'Turns of the thread: hear, work, publish.'),
  turnDuration: layout.histogram('raftring_turn_seconds', 'Time of a turn that did something.',
    exponential(0.00001, 4, 10)),
  gcPause: layout.histogram('raftring_gc_pause_seconds',
    'Time that a garbage collection stopped the thread; without an event loop only 0.2 s in 10 s are looked at.',
    exponential(0.0001, 2, 14)),
  heapUsed: layout.gauge('raftring_heap_used_bytes', "Bytes in use on the thread's heap."),
  loopDelay: layout.histogram('raftring_event_loop_delay_seconds',
    'How late the event loop ran a timer that is due ten times a second.', exponential(0.0005, 2, 14)),
})

/** The number by which the kernel knows the thread; 0 before it has said so. Not exposed. */
export const threadId: Family = layout.gauge('', '')

/** The words in which a profile is asked for: the number of the question last, since it makes the thread look. */
export const profileKind: Family = layout.gauge('', '')
export const profileMs: Family = layout.gauge('', '')
export const profileAsked: Family = layout.gauge('', '')

export function allocateThreadPage(): SharedArrayBuffer {
  return allocateCountersPage(layout.wordCount)
}

export function threadFamilies(): readonly Family[] {
  return layout.families.filter((family) => family.name !== '')
}
