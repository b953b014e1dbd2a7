/**
 * Profiles of any thread, also of one that sleeps in Atomics.wait and hears no messages. Whoever wants one writes what
 * it wants into words of the thread's page and rings; the thread looks at these words at the end of each turn, profiles
 * itself as long as was asked, and posts the outcome on the node's channel, which takes no turn of anybody's loop.
 */

import { Session } from 'node:inspector'
import { BroadcastChannel } from 'node:worker_threads'
import { profileAsked, profileKind, profileMs } from '../../metrics/thread-catalogue.js'
import type { ObservedThread } from '../../metrics/observed-node.js'
import type { CountersPage } from '../../ring/counters-page.js'
import { nameSources } from './source-places.js'

/** In which way a thread looks at itself: where its time goes, or who allocates what stays. */
export const ProfileKind = Object.freeze({ cpu: 1, heap: 2 })
export type ProfileKindValue = (typeof ProfileKind)[keyof typeof ProfileKind]

/** Average bytes between two samples of a heap profile. */
const HEAP_SAMPLE_BYTES = 64 * 1024
/** A thread that has not answered by then is not going to. */
const PATIENCE_MS = 10_000

interface Outcome {
  readonly thread: string
  readonly asked: number
  readonly profile: object | null
}

/** The thread's side. */
export class ThreadProfiler {
  readonly #page: CountersPage
  readonly #thread: string
  readonly #channel: string
  #taken = 0
  #session: Session | null = null
  #kind: ProfileKindValue = ProfileKind.cpu
  #endAtMs = Infinity

  constructor(page: CountersPage, thread: string, channel: string) {
    this.#page = page
    this.#thread = thread
    this.#channel = channel
  }

  /** At the end of a turn. */
  check(nowMs: number): void {
    const { values } = this.#page
    if (nowMs >= this.#endAtMs) this.#end()
    if (values[profileAsked.at] === this.#taken || this.#session !== null) return
    this.#taken = values[profileAsked.at] as number
    this.#kind = values[profileKind.at] as ProfileKindValue
    this.#endAtMs = nowMs + (values[profileMs.at] as number)
    this.#begin()
  }

  #begin(): void {
    const session = new Session()
    this.#session = session
    session.connect()
    if (this.#kind === ProfileKind.cpu) {
      session.post('Profiler.enable')
      session.post('Profiler.start')
    } else {
      session.post('HeapProfiler.enable')
      session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_SAMPLE_BYTES })
    }
  }

  /** Answers of an inspector session of the own thread come before `post` returns. */
  #end(): void {
    this.#endAtMs = Infinity
    const session = this.#session as Session
    if (this.#kind === ProfileKind.cpu) session.post('Profiler.stop', (_error, result) => this.#post(result?.profile))
    else session.post('HeapProfiler.stopSampling', (_error, result) => this.#post(result?.profile))
    session.disconnect()
    this.#session = null
  }

  #post(profile: object | undefined): void {
    const channel = new BroadcastChannel(this.#channel)
    const outcome: Outcome = { thread: this.#thread, asked: this.#taken, profile: profile ?? null }
    channel.postMessage(outcome)
    channel.close()
  }
}

export interface ThreadProfile {
  readonly thread: string
  /** As V8 makes it, but for places, which are in the files that were bundled. */
  readonly profile: object
}

export type ProfileResult =
  | { readonly ok: true; readonly profiles: readonly ThreadProfile[] }
  | { readonly ok: false; readonly code: 'busy' | 'no answer' }

/** The asker's side, on a thread with an event loop. One profile at a time. */
export class ThreadProfiles {
  readonly #threads: readonly ObservedThread[]
  readonly #channel: string
  #isBusy = false

  constructor(threads: readonly ObservedThread[], channel: string) {
    this.#threads = threads
    this.#channel = channel
  }

  get names(): readonly string[] {
    return this.#threads.map(({ name }) => name)
  }

  /** Profiles these threads, all at once. */
  async take(names: readonly string[], kind: ProfileKindValue, seconds: number): Promise<ProfileResult> {
    if (this.#isBusy) return { ok: false, code: 'busy' }
    this.#isBusy = true
    const channel = new BroadcastChannel(this.#channel)
    let timer: NodeJS.Timeout | undefined
    try {
      const threads = this.#threads.filter(({ name }) => names.includes(name))
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), seconds * 1000 + PATIENCE_MS)
      })
      const profiles = await Promise.race([gather(channel, threads, { kind, seconds }), late])
      if (profiles === null) return { ok: false, code: 'no answer' }
      nameSources(profiles.map(({ profile }) => profile))
      return { ok: true, profiles }
    } finally {
      clearTimeout(timer)
      channel.close()
      this.#isBusy = false
    }
  }
}

function gather(
  channel: BroadcastChannel,
  threads: readonly ObservedThread[],
  { kind, seconds }: { kind: ProfileKindValue; seconds: number },
): Promise<ThreadProfile[] | null> {
  const profiles: ThreadProfile[] = []
  return new Promise((resolve) => {
    const waiting = new Map(threads.map((thread) => [thread.name, ask(thread, kind, seconds)]))
    channel.onmessage = (event: unknown): void => {
      const { thread, asked, profile } = (event as { readonly data: Outcome }).data
      if (waiting.get(thread) !== asked) return
      waiting.delete(thread)
      if (profile === null) resolve(null)
      else if (profiles.push({ thread, profile }) === threads.length) resolve(profiles)
    }
  })
}

/** Returns the number of the question, which its answer repeats. */
function ask({ page, doorbell }: ObservedThread, kind: ProfileKindValue, seconds: number): number {
  const { values } = page
  values[profileKind.at] = kind
  values[profileMs.at] = seconds * 1000
  const asked = (values[profileAsked.at] as number) + 1
  values[profileAsked.at] = asked
  doorbell.ring()
  return asked
}
