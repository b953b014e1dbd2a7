/**
 * Watchers under everything at once: random creates, cancels, pauses, slow fronts, overruns of a small log, large
 * revisions, compactions. The rig checks each record as it comes; here it is only stirred.
 */

import { test } from 'node:test'
import fc from 'fast-check'
import type { Change, ClientWatch, WatchOptions } from './client-watch.js'
import { WatchRig } from './watch-rig.js'

const FRONTS = 2
const STREAMS = 3

const key = fc.constantFrom('a', 'ab', 'b', 'ba', 'c')
const place = { front: fc.nat(FRONTS - 1), stream: fc.integer({ min: 1, max: STREAMS }) }
const change: fc.Arbitrary<Change> = fc.record({
  key,
  value: fc.oneof(fc.constant(null), fc.string({ maxLength: 5 }), fc.constant('v'.repeat(900))),
})
/** No key twice in one revision, as in a transaction. */
const revision = fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: (each) => each.key })

const options = fc.record({
  ...place,
  key,
  rangeEnd: fc.constantFrom(undefined, undefined, 'b', 'c', 'd', '\0'),
  /** How far before the current revision it starts; null: from now on. */
  back: fc.oneof(fc.constant(null), fc.integer({ min: -3, max: 3 }), fc.nat(40)),
  prevKv: fc.boolean(),
  progressNotify: fc.boolean(),
  noPut: fc.boolean(),
  noDelete: fc.boolean(),
})

type Action =
  | { readonly kind: 'commit'; readonly revisions: readonly (readonly Change[])[] }
  | { readonly kind: 'watch'; readonly options: typeof options extends fc.Arbitrary<infer T> ? T : never }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'close' | 'pause' | 'resume' | 'progress'; readonly front: number; readonly stream: number }
  | { readonly kind: 'compact'; readonly back: number; readonly physically: boolean }
  | { readonly kind: 'step'; readonly passMs: number }
  | { readonly kind: 'read'; readonly front: number; readonly records: number }

const kind = <T extends Action['kind']>(...kinds: readonly T[]) => fc.constantFrom(...kinds)
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })

const action: fc.Arbitrary<Action> = fc.oneof(
  weighted(10, fc.record({ kind: kind('commit'), revisions: fc.array(revision, { minLength: 1, maxLength: 8 }) })),
  weighted(4, fc.record({ kind: kind('watch'), options })),
  weighted(1, fc.record({ kind: kind('cancel'), which: fc.nat() })),
  weighted(4, fc.record({ kind: kind('pause', 'resume', 'progress'), ...place })),
  weighted(1, fc.record({ kind: kind('close'), ...place })),
  weighted(1, fc.record({ kind: kind('compact'), back: fc.nat(20), physically: fc.boolean() })),
  weighted(10, fc.record({ kind: kind('step'), passMs: fc.constantFrom(0, 0, 1, 600) })),
  weighted(5, fc.record({ kind: kind('read'), front: place.front, records: fc.integer({ min: 1, max: 20 }) })),
)

function act(rig: WatchRig, each: Action): void {
  switch (each.kind) {
    case 'commit':
      rig.commit(...each.revisions)
      break
    case 'watch':
      rig.watch(watchOptions(rig, each.options))
      break
    case 'cancel':
      if (rig.watches.length > 0) rig.cancel(rig.watches[each.which % rig.watches.length] as ClientWatch)
      break
    case 'close':
      rig.closeStream(each.front, each.stream)
      break
    case 'pause':
      rig.pause(each.front, each.stream)
      break
    case 'resume':
      rig.resume(each.front, each.stream)
      break
    case 'progress':
      rig.askProgress(each.front, each.stream)
      break
    case 'compact':
      compact(rig, rig.revision - each.back, each.physically)
      break
    case 'step':
      rig.nowMs += each.passMs
      rig.step()
      break
    case 'read':
      rig.read(each.front, each.records)
      break
  }
}

interface AnyWatch {
  readonly key: string
  readonly rangeEnd: string | undefined
  readonly back: number | null
}

function watchOptions(rig: WatchRig, { back, rangeEnd, ...rest }: AnyWatch): WatchOptions {
  const startRevision = back === null ? 0 : Math.max(1, rig.revision - back)
  const hasRange = rangeEnd !== undefined && (rangeEnd === '\0' || rangeEnd > rest.key)
  return hasRange ? { ...rest, startRevision, rangeEnd } : { ...rest, startRevision }
}

function compact(rig: WatchRig, revision: number, physically: boolean): void {
  if (revision > rig.compactRevision && revision > 0) rig.compact(revision)
  if (physically) rig.compactPhysically()
}

test('every watcher gets every event once, in order, in whole revisions, whatever happens', () => {
  fc.assert(fc.property(fc.array(action, { minLength: 20, maxLength: 120 }), (actions) => {
    const rig = new WatchRig({
      fronts: FRONTS, logBytes: 8192, ringBytes: 8192, partBytesMax: 1024, progressNotifyMs: 1000,
    })
    for (const each of actions) act(rig, each)
    for (let front = 0; front < FRONTS; front++) {
      for (let stream = 1; stream <= STREAMS; stream++) rig.resume(front, stream)
    }
    rig.settle()
    rig.assertComplete()
  }), { numRuns: 300 })
})
