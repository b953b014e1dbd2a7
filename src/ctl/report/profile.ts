/** `raftringctl profile`: looks at a running server for some seconds and writes down where its time went. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DONE, failed, type CommandResult } from '../command-result.js'
import type { Print } from '../output.js'
import { percent, shortCount, shortTime } from '../view/amounts.js'
import { readNode, type NodeReading } from '../view/node-reading.js'
import { viewBetween, type NodeView } from '../view/node-view.js'
import { PageClient, type PageServer } from '../view/page-client.js'
import { summarizeCpu, type CpuProfile } from './cpu-summary.js'
import { profileHtml, type Moment } from './profile-report.js'

export interface ProfileOptions extends PageServer {
  readonly seconds: number
  /** The directory that everything goes into; it is made. */
  readonly out: string
  readonly nowMs: () => number
  readonly pause: (ms: number) => Promise<void>
}

const MOMENTS_MAX = 60
const MOMENT_MS_MIN = 500
/** As many as a server keeps of each front. */
const RECENT = 1000
const REPORT_FILE = 'report.html'
/** Files of earlier profiles are not written over: a name is made for each. */
const SAFE = /[^\w.-]+/g

type Profiles =
  | { readonly ok: true; readonly byThread: Readonly<Record<string, CpuProfile>> }
  | { readonly ok: false; readonly reason: string }

export async function profile(options: ProfileOptions, print: Print): Promise<CommandResult> {
  const { seconds, out, nowMs } = options
  try {
    const client = new PageClient(options)
    const first = await readNode(client, nowMs)
    print(`Looking at ${options.endpoint} for ${seconds} s`)
    const profiling = takeProfiles(client, seconds)
    const { moments, last } = await watch(client, first, options)
    const profiles = await profiling
    const view = viewBetween(first, last)
    mkdirSync(out, { recursive: true })
    const order = view.threads.map(({ thread }) => thread)
    const threads = profiles.ok ? Object.entries(profiles.byThread) : []
    threads.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    for (const [thread, found] of threads) {
      writeFileSync(join(out, `${thread.replace(SAFE, '-')}.cpuprofile`), JSON.stringify(found))
    }
    const html = profileHtml({
      endpoint: options.endpoint,
      version: versionOf(last),
      takenAt: new Date(last.stages?.wallMs ?? nowMs()).toISOString().replace('T', ' ').slice(0, 19),
      view,
      moments,
      order: last.stages?.order ?? [],
      requests: (last.stages?.fronts ?? []).flatMap(({ recent }) => recent),
      cpu: threads.map(([thread, found]) => summarizeCpu(thread, found)),
      cpuProblem: profiles.ok ? '' : profiles.reason,
    })
    writeFileSync(join(out, REPORT_FILE), html)
    tell(view, print)
    if (!profiles.ok) print(`No CPU profiles: ${profiles.reason}`)
    for (const [thread] of threads) print(join(out, `${thread.replace(SAFE, '-')}.cpuprofile`))
    print(join(out, REPORT_FILE))
    return DONE
  } catch (error) {
    return failed((error as Error).message)
  }
}

async function takeProfiles(client: PageClient, seconds: number): Promise<Profiles> {
  const path = `/debug/pprof/profile?seconds=${seconds}&thread=all&format=v8`
  const { status, body } = await client.get(path, seconds * 1000 + 15_000)
  const said = body.toString()
  if (status === 200) return { ok: true, byThread: JSON.parse(said) as Record<string, CpuProfile> }
  const reason = status === 404 && !said.includes('threads are')
    ? 'the server gives them with --enable-pprof or --log-level=debug only'
    : `HTTP ${status} ${said.trim()}`
  return { ok: false, reason }
}

async function watch(
  client: PageClient,
  first: NodeReading,
  { seconds, nowMs, pause }: ProfileOptions,
): Promise<{ readonly moments: Moment[]; readonly last: NodeReading }> {
  const stepMs = Math.max(MOMENT_MS_MIN, (seconds * 1000) / MOMENTS_MAX)
  const steps = Math.max(1, Math.round((seconds * 1000) / stepMs))
  const moments: Moment[] = []
  let before = first
  for (let step = 1; step <= steps; step++) {
    await pause(Math.max(0, first.atMs + step * stepMs - before.atMs))
    const after = await readNode(client, nowMs, step === steps ? RECENT : 0)
    moments.push({ atSeconds: (after.atMs - first.atMs) / 1000, view: viewBetween(before, after) })
    before = after
  }
  return { moments, last: before }
}

function versionOf({ metrics }: NodeReading): string {
  const server = metrics.samples('etcd_server_version').at(0)?.labels['server_version'] ?? 'unknown'
  const engine = metrics.samples('etcd_server_go_version').at(0)?.labels['server_go_version'] ?? ''
  return engine === '' ? server : `${server}, ${engine}`
}

/** The few words that a person wants before opening the report. */
function tell({ stages, threads }: NodeView, print: Print): void {
  const total = stages.find(({ stage }) => stage === 'total')
  if (total !== undefined && total.count > 0) {
    const longest = stages
      .filter(({ stage }) => !stage.startsWith('read') && stage !== 'total')
      .sort((a, b) => b.share - a.share)
      .slice(0, 3)
      .map(({ stage, share, meanMs }) => `${stage} ${percent(share)} (${shortTime(meanMs)})`)
    const times = `p50 ${shortTime(total.p50Ms)}, p99 ${shortTime(total.p99Ms)}`
    print(`Writes: ${shortCount(total.perSecond)}/s, ${times}; most of it in ${longest.join(', ')}`)
  }
  const busiest = [...threads].sort((a, b) => b.cpuShare - a.cpuShare)[0]
  if (busiest !== undefined) print(`Busiest thread: ${busiest.thread}, ${percent(busiest.cpuShare)} of a core`)
}
