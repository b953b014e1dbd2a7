/** A page of counters for an actor that runs alone in a test. */

import { allocateActorPage } from '../../../src/metrics/counter-catalogue.js'
import { Counters } from '../../../src/metrics/counters.js'

export function memoryCounters(): Counters {
  return new Counters(allocateActorPage())
}
