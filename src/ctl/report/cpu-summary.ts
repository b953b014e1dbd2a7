/** Where a thread's CPU time went, from a profile as V8 makes it. */

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly children?: readonly number[]
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

export interface FunctionTime {
  readonly name: string
  /** File and line, from the project's own folder on where it is ours. */
  readonly place: string
  readonly selfMs: number
  /** Of the time in which the thread was awake. */
  readonly share: number
}

export interface CpuSummary {
  readonly thread: string
  readonly seconds: number
  /** Of the whole time, by V8's samples; what Atomics.wait slept counts as sleep here. */
  readonly busyShare: number
  readonly functions: readonly FunctionTime[]
}

const IDLE = new Set(['(idle)', '(root)'])
/** A parked thread is in this function, which V8 takes for work. */
const PARKED = 'park'
const FUNCTIONS_MAX = 14

export function summarizeCpu(thread: string, profile: CpuProfile): CpuSummary {
  const { nodes, samples = [], timeDeltas = [] } = profile
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const times = new Map<string, { name: string; place: string; us: number }>()
  let asleepUs = 0
  let awakeUs = 0
  samples.forEach((id, i) => {
    const frame = byId.get(id)
    // The time of a sample is what passed until the next one.
    const us = Math.max(0, timeDeltas[i + 1] ?? 0)
    if (frame === undefined) return
    if (IDLE.has(frame.functionName) || (frame.functionName === PARKED && frame.url.includes('doorbell'))) {
      asleepUs += us
      return
    }
    awakeUs += us
    const { name, place } = nameOf(frame, byId.get(callers.get(id) ?? -1))
    const key = `${name} ${place}`
    const found = times.get(key)
    if (found === undefined) times.set(key, { name, place, us })
    else found.us += us
  })
  const functions = [...times.values()]
    .sort((a, b) => b.us - a.us)
    .slice(0, FUNCTIONS_MAX)
    .map(({ name, place, us }) => ({ name, place, selfMs: us / 1000, share: us / Math.max(1, awakeUs) }))
  const wholeUs = awakeUs + asleepUs
  return {
    thread,
    seconds: (profile.endTime - profile.startTime) / 1e6,
    busyShare: wholeUs === 0 ? 0 : awakeUs / wholeUs,
    functions,
  }
}

type Frame = CpuProfile['nodes'][number]['callFrame']

/** Code that is not JavaScript has no place of its own: it goes by who called it. */
function nameOf(frame: Frame, caller: Frame | undefined): { readonly name: string; readonly place: string } {
  const { functionName, url, lineNumber } = frame
  if (url !== '' || functionName.startsWith('(') || caller === undefined) {
    return { name: functionName === '' ? '(anonymous)' : functionName, place: placeOf(url, lineNumber) }
  }
  const name = functionName === '' ? 'native code' : functionName
  return { name: `${name} ← ${caller.functionName || '(anonymous)'}`, place: placeOf(caller.url, caller.lineNumber) }
}

function placeOf(url: string, line: number): string {
  if (url === '') return ''
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/dist\//, '').replace(/^.*\/node_modules\//, '')
  return `${path}:${line + 1}`
}
