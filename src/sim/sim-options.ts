/** The command line of the simulator. */

import type { RunOptions } from './run.js'

export interface SimOptions {
  readonly firstSeed: number
  readonly seeds: number
  /** Runs new seeds for this long, however many they are. */
  readonly minutes: number | null
  /** Null: 3 or 5, as the seed has it. */
  readonly members: number | null
  readonly seconds: number
  readonly prints: boolean
  readonly store: 'memory' | 'lmdb' | null
  readonly isCalm: boolean
  readonly isQuiet: boolean
}

export type SimOptionsResult =
  | { readonly kind: 'options'; readonly options: SimOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly message: string }

const SECONDS = 60
const SEED_MAX = 0xffff_ffff
/** One run of so many goes on the real store. */
const LMDB_EVERY = 50
/** And one of so many has five members. */
const FIVE_EVERY = 3

export const USAGE = `usage: npm run sim -- [--seed N | --seeds N [--from S] | --minutes M [--from S]] [options]
  --seed N            one run, which is the same every time
  --seeds N           so many runs, from seed --from S on (a new one by default)
  --minutes M         new runs for so long
  --members 3|5       by default as the seed has it
  --seconds S         simulated time under faults, 60 by default
  --trace             prints what happened, one line per event
  --store memory|lmdb by default one seed in 50 is on lmdb
  --calm              nothing goes wrong
  --quiet             no progress
  --help              this text`

export function readSimOptions(argv: readonly string[], newSeed: number): SimOptionsResult {
  const numbers = new Map<string, number>()
  const flags = new Set<string>()
  const refused = (message: string): SimOptionsResult => ({ kind: 'refused', message })
  let store: SimOptions['store'] = null
  for (let at = 0; at < argv.length; at++) {
    const name = argv[at] ?? ''
    if (name === '--help' || name === '-h') return { kind: 'help' }
    if (name === '--trace' || name === '--calm' || name === '--quiet') {
      flags.add(name)
      continue
    }
    if (name !== '--store' && !NUMBERS.has(name)) return refused(name)
    const value = argv[++at]
    if (value === undefined) return refused(`${name} without a value`)
    if (name === '--store') {
      if (value !== 'memory' && value !== 'lmdb') return refused(`${name} ${value}`)
      store = value
      continue
    }
    const number = value.trim() === '' ? NaN : Number(value)
    if (!Number.isFinite(number) || number < 0) return refused(`${name} ${value}`)
    numbers.set(name, number)
  }
  const seed = numbers.get('--seed')
  const members = numbers.get('--members') ?? null
  if (members !== null && ![1, 3, 5].includes(members)) return refused(`--members ${members}`)
  return {
    kind: 'options',
    options: {
      firstSeed: (seed ?? numbers.get('--from') ?? newSeed) % (SEED_MAX + 1),
      seeds: seed === undefined ? (numbers.get('--seeds') ?? 1) : 1,
      minutes: numbers.get('--minutes') ?? null,
      members,
      seconds: numbers.get('--seconds') ?? SECONDS,
      prints: flags.has('--trace'),
      store,
      isCalm: flags.has('--calm'),
      isQuiet: flags.has('--quiet'),
    },
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['--seed', '--seeds', '--from', '--minutes', '--members', '--seconds'])

/** What a seed stands for with these options. */
export function runOptions(options: SimOptions, seed: number): RunOptions {
  const store = options.store ?? (seed % LMDB_EVERY === 0 ? 'lmdb' : 'memory')
  return {
    seed,
    members: options.members ?? (seed % FIVE_EVERY === 0 ? 5 : 3),
    seconds: options.seconds,
    keepsTrace: options.prints,
    onLmdb: store === 'lmdb',
    isCalm: options.isCalm,
  }
}

/** The line that repeats a run. */
export function repeatLine({ seed, members, seconds, onLmdb, isCalm }: RunOptions): string {
  const store = onLmdb ? 'lmdb' : 'memory'
  const calm = isCalm === true ? ' --calm' : ''
  return `npm run sim -- --seed ${seed} --members ${members} --seconds ${seconds} --store ${store}${calm} --trace`
}
