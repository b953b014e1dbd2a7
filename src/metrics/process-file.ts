/** What the kernel knows of this process and of each of its threads, read from /proc when somebody asks. */

import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** Every Linux that Node runs on has it so. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096
const PROC = '/proc'

export interface CpuSeconds {
  readonly user: number
  readonly system: number
}

/** What could not be read, for want of descriptors or of a whole /proc, is undefined. */
export interface ProcessFacts {
  readonly cpu: CpuSeconds | undefined
  readonly openFds: number | undefined
  /** Soft limit; Infinity when there is none. */
  readonly maxFds: number | undefined
  readonly virtualBytes: number | undefined
  readonly virtualBytesMax: number | undefined
  readonly residentBytes: number | undefined
  readonly startTimeSeconds: number | undefined
  /** Of the machine's network as this process sees it. */
  readonly receivedBytes: number | undefined
  readonly transmittedBytes: number | undefined
}

export function readProcessFacts(proc: string = PROC): ProcessFacts {
  const stat = readOr(undefined, () => statFields(`${proc}/self/stat`))
  const limits = readOr('', () => readFileSync(`${proc}/self/limits`, 'utf8'))
  const network = networkBytes(readOr('', () => readFileSync(`${proc}/self/net/netstat`, 'utf8')))
  const bootSeconds = readOr(undefined, () => bootTimeSeconds(`${proc}/stat`))
  const startTicks = numberIn(stat?.[19])
  const residentPages = numberIn(stat?.[21])
  return {
    cpu: stat === undefined ? undefined : cpuOf(stat),
    openFds: readOr(undefined, () => readdirSync(`${proc}/self/fd`).length - 1),
    maxFds: limitOf(limits, 'Max open files'),
    virtualBytes: numberIn(stat?.[20]),
    virtualBytesMax: limitOf(limits, 'Max address space'),
    residentBytes: residentPages === undefined ? undefined : residentPages * PAGE_BYTES,
    startTimeSeconds:
      startTicks === undefined || bootSeconds === undefined ? undefined : bootSeconds + startTicks / TICKS_PER_SECOND,
    ...network,
  }
}

/** The words that started the process; a worker's own `argv` has others. Undefined when they cannot be read. */
export function readCommandLine(proc: string = PROC): string[] | undefined {
  return readOr(undefined, () => readFileSync(`${proc}/self/cmdline`, 'utf8').split('\0').slice(0, -1))
}

/**
 * Of every thread of the process, by the kernel's number. One that ends meanwhile is left out. Undefined when any other
 * cannot be read: sums without it would run backwards.
 */
export function readThreadCpu(proc: string = PROC): Map<number, CpuSeconds> | undefined {
  return readOr(undefined, () => {
    const threads = new Map<number, CpuSeconds>()
    for (const name of readdirSync(`${proc}/self/task`)) {
      const fields = statFieldsOrNull(`${proc}/self/task/${name}/stat`)
      if (fields !== null) threads.set(Number(name), cpuOf(fields))
    }
    return threads
  })
}

/** The kernel's number of the calling thread; 0, which no thread has, when it does not tell. */
export function ownThreadId(proc: string = PROC): number {
  return readOr(0, () => Number(readlinkSync(`${proc}/thread-self`).split('/').at(-1)))
}

/** A page that shows the rest is worth more than one that fails for a part; whoever asks sees what is missing. */
function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

function statFieldsOrNull(path: string): string[] | null {
  try {
    return statFields(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}

/** Fields from the third on: the name before them may hold spaces and parentheses. */
function statFields(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function cpuOf(fields: readonly string[]): CpuSeconds {
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND }
}

/** Undefined when it is none. */
function numberIn(text: string | undefined): number | undefined {
  const value = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? undefined : value
}

function limitOf(limits: string, name: string): number | undefined {
  const line = limits.split('\n').find((text) => text.startsWith(name)) ?? ''
  const [soft] = line.slice(name.length).trim().split(/\s+/)
  return soft === 'unlimited' ? Infinity : numberIn(soft)
}

function bootTimeSeconds(path: string): number | undefined {
  return numberIn(/^btime (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1])
}

function networkBytes(text: string): Pick<ProcessFacts, 'receivedBytes' | 'transmittedBytes'> {
  const [names = '', values = ''] = text.split('\n').filter((line) => line.startsWith('IpExt:'))
  const columns = names.split(' ')
  const of = (name: string): number | undefined => numberIn(values.split(' ')[columns.indexOf(name)])
  return { receivedBytes: of('InOctets'), transmittedBytes: of('OutOctets') }
}
