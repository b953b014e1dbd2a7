/** V8's profiles in the format of Go's pprof, so that `go tool pprof` opens them as it opens etcd's. */

import { Function as PprofFunction, Label, Line, Location, Profile, Sample, StringTable, ValueType } from 'pprof-format'
import type { ThreadProfile } from '../../actor/meter/thread-profiler.js'

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

interface CpuProfile {
  readonly nodes: readonly CpuNode[]
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

interface HeapNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

/** What V8 calls the time in which a thread had nothing to do. */
const IDLE = '(idle)'
const NS_PER_US = 1000

/** Samples and CPU time of all threads; each sample is labelled with its thread. */
export function cpuPprof(threads: readonly ThreadProfile[]): Uint8Array {
  const builder = new PprofBuilder([['samples', 'count'], ['cpu', 'nanoseconds']])
  let durationUs = 0
  for (const { thread, profile } of threads) {
    const { nodes, startTime, endTime, samples = [], timeDeltas = [] } = profile as CpuProfile
    durationUs = Math.max(durationUs, endTime - startTime)
    const parents = new Map<number, CpuNode>()
    const byId = new Map(nodes.map((node) => [node.id, node]))
    for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
    const spent = new Map<number, { count: number; us: number }>()
    samples.forEach((id, at) => {
      const sum = spent.get(id) ?? { count: 0, us: 0 }
      sum.count++
      sum.us += timeDeltas[at] ?? 0
      spent.set(id, sum)
    })
    for (const [id, { count, us }] of spent) {
      const stack: CallFrame[] = []
      for (let node = byId.get(id); node !== undefined; node = parents.get(node.id)) stack.push(node.callFrame)
      if (stack[0]?.functionName !== IDLE) builder.add(thread, stack.slice(0, -1), [count, us * NS_PER_US])
    }
  }
  return builder.build(durationUs * NS_PER_US)
}

/** Bytes that were allocated while the profile was taken and are still in use. */
export function heapPprof(threads: readonly ThreadProfile[]): Uint8Array {
  const builder = new PprofBuilder([['inuse_space', 'bytes']])
  for (const { thread, profile } of threads) {
    const visit = (node: HeapNode, callers: readonly CallFrame[]): void => {
      const stack = [node.callFrame, ...callers]
      if (node.selfSize > 0) builder.add(thread, stack.slice(0, -1), [node.selfSize])
      for (const child of node.children) visit(child, stack)
    }
    visit((profile as { readonly head: HeapNode }).head, [])
  }
  return builder.build(0)
}

class PprofBuilder {
  readonly #strings = new StringTable()
  readonly #types: readonly ValueType[]
  readonly #samples: Sample[] = []
  readonly #locations: Location[] = []
  readonly #functions: PprofFunction[] = []
  readonly #known = new Map<string, number>()

  constructor(types: readonly (readonly [string, string])[]) {
    this.#types = types.map(([type, unit]) =>
      new ValueType({ type: this.#strings.dedup(type), unit: this.#strings.dedup(unit) }),
    )
  }

  /** The innermost frame comes first. */
  add(thread: string, stack: readonly CallFrame[], value: number[]): void {
    const label = [new Label({ key: this.#strings.dedup('thread'), str: this.#strings.dedup(thread) })]
    this.#samples.push(new Sample({ locationId: stack.map((frame) => this.#locationOf(frame)), value, label }))
  }

  build(durationNanos: number): Uint8Array {
    return new Profile({
      sampleType: [...this.#types],
      sample: this.#samples,
      location: this.#locations,
      function: this.#functions,
      stringTable: this.#strings,
      durationNanos: Math.round(durationNanos),
    }).encode()
  }

  #locationOf({ functionName, url, lineNumber }: CallFrame): number {
    const key = `${functionName}\n${url}\n${lineNumber}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const id = this.#locations.length + 1
    const name = this.#strings.dedup(functionName === '' ? '(anonymous)' : functionName)
    const startLine = lineNumber + 1
    const filename = this.#strings.dedup(url)
    this.#functions.push(new PprofFunction({ id, name, systemName: name, filename, startLine }))
    this.#locations.push(new Location({ id, line: [new Line({ functionId: id, line: startLine })] }))
    this.#known.set(key, id)
    return id
  }
}
