/**
 * The etcdctl command lines that are run against both servers, in order: each sees what those
 * before it wrote. `{L1}` stands for the lease that an earlier command granted under that name;
 * `{F1}` for one granted with a fixed id, whose bytes can be compared in every output format.
 * Compares by lease are not here: etcdctl 3.4.23 panics on them before it sends anything (they are
 * in the gRPC suites).
 */

export interface CtlCommand {
  /** Words as a shell would split them; single quotes group. */
  readonly args: string
  readonly stdin?: string | Buffer
  /** Learn the id that this `lease grant` prints, under this name. */
  readonly grants?: string
  /** Each server's member raises the alarm for space before the command, over gRPC: etcdctl cannot. */
  readonly raisesAlarm?: boolean
  /** Run in the background until this many lines came, then interrupt. */
  readonly lines?: number
  /** What ends it then, in place of SIGINT. */
  readonly signal?: NodeJS.Signals
  /**
   * Commands run once the background one shows its first line (after `wake` was put as often as
   * needed).
   */
  readonly feed?: readonly string[]
  /**
   * Put this key until the background command answers; output before the first line of `feed` is
   * dropped.
   */
  readonly wake?: string
}

/** Leases made over gRPC before the first command, because etcdctl 3.4 cannot choose an id. */
export const FIXED_LEASES: readonly {
  readonly name: string
  readonly id: bigint
  readonly ttl: number
}[] = [
  { name: 'F1', id: 0x1111222233334444n, ttl: 5000 },
  { name: 'F2', id: 0x7fn, ttl: 6000 },
]

const FORMATS = ['json', 'fields', 'protobuf'] as const

export function run(...lines: readonly string[]): CtlCommand[] {
  return lines.map((args) => ({ args }))
}

/** The command in simple format and in each of the machine-readable ones. */
export function inFormats(...lines: readonly string[]): CtlCommand[] {
  return lines.flatMap((args) => [
    { args },
    ...FORMATS.map((format) => ({ args: `${args} -w ${format}` })),
  ])
}

export function txn(stdin: string, ...flags: readonly string[]): CtlCommand[] {
  return (flags.length === 0 ? [''] : flags).map((flag) => ({ args: `txn ${flag}`.trim(), stdin }))
}
