/**
 * Throughput of one ring between two threads, by record length and batch. Run: node dist/bench/ring/one-to-one.bench.js
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { contest, type Shape } from './one-way-contest.js'

scriptOptions({ does: 'Throughput of one ring between two threads, by length of records and by batch.' })

const SHAPES: readonly Shape[] = [16, 64, 256, 1024, 4096].flatMap((recordBytes) =>
  [1, 64].map((batch) => ({ recordBytes, batch, records: Math.min(1_500_000, Math.floor(400e6 / recordBytes)) })),
)

await contest(['ring'], SHAPES)
