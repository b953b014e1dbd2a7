/** How an option is declared. Help, parsing, the config file and the compatibility page come from the declarations. */

export type OptionKind =
  | 'string'
  /** Comma-separated words. */
  | 'list'
  | 'bool'
  /** A whole number that may be negative. */
  | 'integer'
  | 'count'
  | 'size'
  | 'duration'
  | 'urls'
  | 'choice'
  /** `Gate=true,Other=false`. */
  | 'gates'
  /** Of an old release: any value is taken and nothing happens. */
  | 'ignored'

/** Headings of --help, in its order. */
export const SECTIONS = [
  'Member',
  'Addresses',
  'Clustering',
  'Discovery',
  'TLS for clients',
  'TLS between members',
  'Authentication',
  'HTTP and JSON',
  'Limits',
  'Space and history',
  'Raft and durability',
  'Logging',
  'Metrics and profiling',
  'Threads',
  'Batches',
  'Feature gates',
  'Configuration',
  'Unsafe',
  'Without effect here',
  'Accepted for old scripts and ignored',
] as const

export type Section = (typeof SECTIONS)[number]

export interface OptionSpec {
  readonly name: string
  readonly kind: OptionKind
  /** The text that counts when the option is not given. */
  readonly default: string
  /** What --help shows instead of the default, where it follows from another option. */
  readonly shown?: string
  readonly section: Section
  readonly text: string
  /** For kind choice. */
  readonly choices?: readonly string[]
  /** For integer, count and size. */
  readonly min?: number
  readonly max?: number
  /** What is said at the start when the option is given: it changes nothing, or not any more. */
  readonly notice?: string
  /** Spelt so by older releases, with `--experimental-` before it: accepted with a warning. */
  readonly experimental?: string
}

export function option(spec: OptionSpec): OptionSpec {
  return Object.freeze(spec)
}

/** The largest value of an unsigned 32-bit number, which some defaults mean as "no limit". */
export const U32_MAX = 4_294_967_295
