/**
 * Our ring beside a MessagePort that is given the same batches. Run: node dist/bench/ring/versus-message-port.bench.js
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { contest } from './one-way-contest.js'

scriptOptions({ does: 'Our ring beside a MessagePort that is given the same batches.' })

await contest(['ring', 'MessagePort'], [
  { recordBytes: 64, batch: 1, records: 100_000 },
  { recordBytes: 64, batch: 64, records: 192_000 },
  { recordBytes: 300, batch: 1, records: 100_000 },
  { recordBytes: 300, batch: 64, records: 192_000 },
])
