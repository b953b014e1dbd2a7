/**
 * Our ring beside ringbuf.js with a length before each record and our doorbell for waking, which it lacks.
 * Run: node dist/bench/ring/versus-ringbuf.bench.js
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { contest } from './one-way-contest.js'

scriptOptions({ does: 'Our ring beside ringbuf.js with our doorbell.' })

await contest(['ring', 'ringbuf.js'], [
  { recordBytes: 64, batch: 1, records: 1_000_000 },
  { recordBytes: 64, batch: 64, records: 1_000_000 },
  { recordBytes: 300, batch: 1, records: 500_000 },
  { recordBytes: 300, batch: 64, records: 500_000 },
])
