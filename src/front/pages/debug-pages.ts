/**
 * /debug/vars and /debug/stages, and profiles under /debug/pprof where --enable-pprof or the log level `debug` allows
 * them. What a Go program has and Node has not (goroutines, blocking, mutexes, traces) is an unknown profile.
 */

import { getHeapStatistics } from 'node:v8'
import { gzipSync } from 'node:zlib'
import {
  ProfileKind,
  type ProfileKindValue,
  type ProfileResult,
  type ThreadProfile,
} from '../../actor/meter/thread-profiler.js'
import { Word } from '../../messages/shared-words.js'
import { committedIndex } from '../../messages/told-early.js'
import { readCommandLine, readProcessFacts } from '../../metrics/process-file.js'
import type { FrontContext } from '../front-context.js'
import { queryOf, type HttpExchange } from '../http/http-exchange.js'
import { allowsGet, respondError, respondText } from './page-answers.js'
import { cpuPprof, heapPprof } from './pprof-profile.js'
import { answerStages } from './stage-page.js'

const PROFILES_PATH = '/debug/pprof/'
const CPU_SECONDS = 30
const HEAP_SECONDS = 5
const SECONDS_MAX = 600
const OCTETS = 'application/octet-stream'
const HTML = 'text/html; charset=utf-8'

const PROFILE_TEXTS: Readonly<Record<string, string>> = {
  cmdline: 'The command line of this process.',
  heap: `Memory that is allocated within the next seconds (${HEAP_SECONDS}, or ?seconds=) and stays in use.`,
  profile: `CPU time of all threads within the next seconds (${CPU_SECONDS}, or ?seconds=).`,
  symbol: 'Nothing: names stand in the profiles.',
}

export class DebugPages {
  readonly #context: FrontContext

  constructor(context: FrontContext) {
    this.#context = context
  }

  /** False when there is no such page. */
  answer(exchange: HttpExchange, path: string): boolean {
    if (path === '/debug/vars') {
      if (allowsGet(exchange)) this.#vars(exchange)
      return true
    }
    if (path === '/debug/stages') {
      if (allowsGet(exchange)) answerStages(exchange, this.#context)
      return true
    }
    const { pprof, logLevel } = this.#context.config
    if (!path.startsWith(PROFILES_PATH) || !(pprof || logLevel === 'debug')) return false
    this.#profiles(exchange, path.slice(PROFILES_PATH.length))
    return true
  }

  #profiles(exchange: HttpExchange, name: string): void {
    switch (name) {
      case '':
        return exchange.respond(200, HTML, indexPage(this.#context.profiles.names))
      case 'cmdline':
        return commandLine(exchange)
      case 'symbol':
        return respondText(exchange, 'num_symbols: 1\n')
      case 'profile':
        return this.#take(exchange, { kind: ProfileKind.cpu, seconds: CPU_SECONDS, name, encode: cpuPprof })
      case 'heap':
      case 'allocs':
        return this.#take(exchange, { kind: ProfileKind.heap, seconds: HEAP_SECONDS, name, encode: heapPprof })
      default:
        exchange.addHeaders(['X-Go-Pprof', '1'])
        return respondError(exchange, 404, 'Unknown profile')
    }
  }

  /**
   * `thread` chooses one; `format=v8` gives what Chrome's and VS Code's viewers open, of one thread; with `thread=all`
   * an object of these, by thread.
   */
  #take(exchange: HttpExchange, wanted: {
    readonly kind: ProfileKindValue
    readonly seconds: number
    readonly name: string
    readonly encode: (threads: readonly ThreadProfile[]) => Uint8Array
  }): void {
    const { profiles } = this.#context
    const query = queryOf(exchange.target)
    const seconds = Number(query.get('seconds') ?? wanted.seconds)
    const isForV8 = query.get('format') === 'v8'
    const thread = query.get('thread') ?? (isForV8 ? profiles.names[0] : null)
    const isOfAll = thread === 'all'
    const names = thread === null || thread === undefined || isOfAll ? profiles.names : [thread]
    if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
      return respondError(exchange, 400, `seconds: more than 0 and at most ${SECONDS_MAX}`)
    }
    if (!names.every((name) => profiles.names.includes(name))) {
      return respondError(exchange, 404, `threads are ${profiles.names.join(', ')}`)
    }
    const answer = (result: ProfileResult): void => {
      if (!result.ok) {
        respondError(exchange, 500, result.code === 'busy' ? 'profiling is already in use' : 'a thread did not answer')
      } else if (isForV8) {
        const all = Object.fromEntries(result.profiles.map(({ thread: name, profile }) => [name, profile]))
        exchange.respond(200, 'application/json', JSON.stringify(isOfAll ? all : result.profiles[0]?.profile))
      } else {
        const bytes = gzipSync(wanted.encode(result.profiles))
        exchange.addHeaders(['Content-Disposition', `attachment; filename="${wanted.name}"`])
        exchange.respond(200, OCTETS, bytes)
      }
    }
    profiles.take(names, wanted.kind, seconds).then(answer).catch((cause: unknown) => {
      this.#context.logger.error('front', 'a profile could not be made', { name: wanted.name, cause: String(cause) })
      respondError(exchange, 500, 'the profile could not be made')
    })
  }

  /** The form of Go's expvar. */
  #vars(exchange: HttpExchange): void {
    const facts = readProcessFacts()
    const heap = getHeapStatistics()
    const variables: Readonly<Record<string, unknown>> = {
      cmdline: readCommandLine(),
      file_descriptor_limit: facts.maxFds,
      memstats: {
        Alloc: heap.used_heap_size, Sys: facts.residentBytes, HeapAlloc: heap.used_heap_size,
        HeapSys: heap.total_heap_size, HeapInuse: heap.used_heap_size, OtherSys: heap.external_memory,
      },
      'raft.status': this.#raftStatus(),
    }
    const known = Object.entries(variables).filter(([, value]) => value !== undefined)
    const lines = known.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    exchange.respond(200, 'application/json; charset=utf-8', `{\n${lines.join(',\n')}\n}\n`)
  }

  #raftStatus(): object {
    const { words, memberId } = this.#context
    const id = memberId.toString(16)
    const leader = words.loadId(Word.leaderId)
    const isLeader = leader === memberId
    const lastIndex = words.load(Word.lastIndex)
    return {
      id,
      term: words.load(Word.term),
      // A member that is alone votes for itself, and for nobody before it has stood.
      vote: isLeader ? id : '0',
      commit: committedIndex(words),
      lead: leader.toString(16),
      raftState: isLeader ? 'StateLeader' : 'StateFollower',
      applied: words.load(Word.appliedIndex),
      progress: isLeader ? { [id]: { match: lastIndex, next: lastIndex + 1, state: 'StateReplicate' } } : {},
      leadtransferee: '0',
    }
  }
}

function commandLine(exchange: HttpExchange): void {
  const words = readCommandLine()
  if (words === undefined) respondError(exchange, 500, 'the command line cannot be read')
  else respondText(exchange, words.join('\0'))
}

function indexPage(threads: readonly string[]): string {
  const rows = Object.entries(PROFILE_TEXTS).map(
    ([name, text]) => `<tr><td><a href="${name}">${name}</a></td><td>${text}</td></tr>`,
  )
  return [
    '<html><head><title>/debug/pprof/</title></head><body>',
    '<p>/debug/pprof/</p>',
    `<table>${rows.join('\n')}</table>`,
    `<p>?thread= chooses one of ${threads.join(', ')}; ?format=v8 gives its profile as V8 makes it, with thread=all`,
    'an object of all of them.</p>',
    '</body></html>',
    '',
  ].join('\n')
}
