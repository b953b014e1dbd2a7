/** Bugs of watches. */

import type { Mutant } from '../mutant.js'

const CATCH_UP = 'watch/catch-up.js'
const ACTOR = 'watch/watch-actor.js'

export const WATCH_MUTANTS: readonly Mutant[] = [
  {
    name: 'joins-the-live-feed-early',
    story: 'a watcher that catches up becomes live one revision too early and misses it',
    file: CATCH_UP,
    find: 'if (watcher.from > liveRevision)',
    replace: 'if (watcher.from >= liveRevision)',
  },
  {
    name: 'not-behind-by-one',
    story: 'a watcher that asks for the newest revision is taken for one that asks for the next',
    file: ACTOR,
    find: 'const isBehind = from <= this.#live.revision',
    replace: 'const isBehind = from < this.#live.revision',
  },
  {
    name: 'from-now-skips-one',
    story: 'a watch from now on begins one revision late',
    file: ACTOR,
    find: 'const from = startRevision === 0 ? current + 1 : startRevision;',
    replace: 'const from = startRevision === 0 ? current + 2 : startRevision;',
  },
  {
    name: 'from-now-ignores-the-log',
    story: 'a watch from now on begins at the word, though the feed is further: events come twice or not at all',
    file: ACTOR,
    find: 'const current = Math.max(toldRevision(words), this.#live.revision);',
    replace: 'const current = toldRevision(words) - 1;',
  },
  {
    name: 'compacted-watch-goes-on',
    story: 'a watch behind the compaction loses events in silence (known from etcd)',
    file: CATCH_UP,
    find: 'if (watcher.from >= compactRevision)',
    replace: 'if (watcher.from >= 0)',
  },
  {
    name: 'progress-before-events',
    story: 'progress is told to a stream whose watchers are behind (etcd #15220)',
    file: 'watch/progress.js',
    find: 'if (hasEverything(stream, revision))',
    replace: 'if (stream.watchers.size >= 0)',
  },
  {
    name: 'progress-ahead-of-the-feed',
    story: 'the revision of progress is the store\'s, not the feed\'s (etcd #15220)',
    file: ACTOR,
    find: 'return work + this.#progress.work(this.#live.revision, nowMs);',
    replace: 'return work + this.#progress.work(this.#context.words.load(Word.currentRevision) + 1, nowMs);',
  },
  {
    name: 'catch-up-skips-its-first-revision',
    story: 'catching up begins behind the revision that is due',
    file: CATCH_UP,
    find: 'this.#startRevision = lead.from;',
    replace: 'this.#startRevision = lead.from + 1;',
  },
  {
    name: 'filter-is-lost-while-behind',
    story: 'events that a watch filters out come while it catches up',
    file: CATCH_UP,
    find: '|| !watcher.accepts(isTombstone))',
    replace: ')',
  },
]
