/** What a scrape reads of a running node: memory that others write, under the names that people see. */

import { CountersPage } from '../ring/counters-page.js'
import type { SharedWords } from '../messages/shared-words.js'
import { Doorbell } from '../ring/doorbell.js'
import { RecentRequests } from './recent-requests.js'
import { PeerPage } from './peer-page.js'
import { StageHistogram } from './stage-histogram.js'

export interface ObservedThread {
  readonly name: string
  readonly page: CountersPage
  readonly doorbell: Doorbell
}

export interface ObservedActor {
  /** Such as `front 0`. */
  readonly name: string
  readonly thread: string
  readonly page: CountersPage
}

export interface ObservedRing {
  /** Such as `front 0 -> raft 0`. */
  readonly name: string
  readonly memory: SharedArrayBuffer
}

export interface ObservedNode {
  readonly words: SharedWords
  readonly actors: readonly ObservedActor[]
  readonly threads: readonly ObservedThread[]
  readonly rings: readonly ObservedRing[]
  readonly stages: readonly StageHistogram[]
  /** By front. */
  readonly recent: readonly RecentRequests[]
  /** Other members, as this one reaches them. */
  readonly peers: PeerPage
}

/** The start message of any thread has everything; see actor/thread-start.ts. */
export interface NodeParts {
  readonly actors: readonly { readonly name: string; readonly index: number; readonly thread: number }[]
  readonly rings: readonly {
    readonly from: string
    readonly fromIndex: number
    readonly to: string
    readonly toIndex: number
    readonly memory: SharedArrayBuffer
  }[]
  readonly doorbells: readonly SharedArrayBuffer[]
  readonly actorPages: readonly SharedArrayBuffer[]
  readonly threadPages: readonly SharedArrayBuffer[]
  readonly threadNames: readonly string[]
  readonly stagePages: readonly SharedArrayBuffer[]
  readonly recentRequests: readonly SharedArrayBuffer[]
  readonly peerPage: SharedArrayBuffer
}

export function observeNode(parts: NodeParts, words: SharedWords): ObservedNode {
  return {
    words,
    actors: parts.actors.map(({ name, index, thread }, at) => ({
      name: `${name} ${index}`,
      thread: parts.threadNames[thread] as string,
      page: new CountersPage(parts.actorPages[at] as SharedArrayBuffer),
    })),
    threads: parts.threadNames.map((name, at) => ({
      name,
      page: new CountersPage(parts.threadPages[at] as SharedArrayBuffer),
      doorbell: new Doorbell(parts.doorbells[at] as SharedArrayBuffer),
    })),
    rings: parts.rings.map(({ from, fromIndex, to, toIndex, memory }) => ({
      name: `${from} ${fromIndex} -> ${to} ${toIndex}`,
      memory,
    })),
    stages: parts.stagePages.map((page) => new StageHistogram(page)),
    recent: parts.recentRequests.map((memory) => new RecentRequests(memory)),
    peers: new PeerPage(parts.peerPage),
  }
}
