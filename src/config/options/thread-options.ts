/** How many workers each stage has, how their threads wait, and how much is done at once. */

import { MIB } from '../limits.js'
import { option, type OptionSpec } from './option-spec.js'

const THREADS = 'Threads'
const BATCHES = 'Batches'

export const THREAD_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'actor-threads', kind: 'choice', default: 'auto', choices: ['auto', 'shared', 'dedicated', 'inline'],
    section: THREADS,
    text: 'How actors are put onto threads: auto is shared below 8 cores and dedicated from there on.',
  }),
  workers('front-workers', 32, 'Front workers, which serve client connections'),
  workers('watch-workers', 32, 'Watch workers, which match events to watchers'),
  workers('snapshot-workers', 64, 'Most snapshots that a front worker sends at once, a thread each'),
  workers('hash-workers', 32, 'Threads of a front worker for hashes of the whole store'),
  workers('password-workers', 64, 'Threads of a front worker for hashes of passwords'),
  option({
    name: 'idle-strategy', kind: 'choice', default: 'auto', choices: ['auto', 'park', 'yield', 'spin'],
    section: THREADS,
    text: 'What a thread without work does: park sleeps at once, yield looks around for 20us before, spin for 2ms; ' +
      'auto is yield where every thread has a core and four are left, else park.',
  }),
  option({
    name: 'stage-clocks', kind: 'choice', default: 'on', choices: ['on', 'off'], section: THREADS,
    text: 'Whether the time of every stage of every request is measured.',
  }),

  option({
    name: 'wal-batch-bytes', kind: 'size', default: '0', section: BATCHES,
    text: 'A write of the log takes no more entries once it has so many bytes (0 takes all that wait).',
  }),
  option({
    name: 'wal-batch-delay', kind: 'duration', default: '0s', section: BATCHES,
    text: 'Time for which a write of the log waits for more entries before it is made and synced; at most 100ms.',
  }),
  option({
    name: 'apply-batch-entries', kind: 'count', default: '4096', min: 1, max: 16_384, section: BATCHES,
    text: 'Most entries that are applied in one transaction of the store.',
  }),
  option({
    name: 'apply-batch-bytes', kind: 'size', default: String(2 * MIB), min: 1, max: 2 * MIB, section: BATCHES,
    text: 'Bytes of entries after which a transaction of the store takes no more.',
  }),
]

function workers(name: string, max: number, text: string): OptionSpec {
  return option({
    name, kind: 'count', default: '0', min: 0, max, section: THREADS, text: `${text} (0 derives it from the cores).`,
  })
}
