/** Builds a watch worker with its real neighbours. */

import { randomInt } from 'node:crypto'
import type { ThreadContext } from '../actor/thread-context.js'
import { frontMessages } from '../messages/front-messages.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { storePath } from '../store/restore-store.js'
import type { ReadableStore } from '../store/store.js'
import { WatchActor } from './watch-actor.js'

const SEEDS = 2 ** 32

export interface WatchDevices {
  readonly openStore: (generation: number) => ReadableStore
  readonly seed: number
}

export function openWatch(
  context: ThreadContext,
  index: number,
  devices: WatchDevices = devicesOf(context),
): WatchActor {
  const { config, eventLog, recentRows } = context.start
  const { words } = context
  return new WatchActor({
    index,
    words,
    eventLog,
    recentRows,
    openStore: devices.openStore,
    fronts: context.sendersTo(frontMessages, { name: 'watch', index }, 'front'),
    progressNotifyMs: config.watchProgressMs,
    seed: devices.seed,
    counters: context.countersOf({ name: 'watch', index }),
    logger: context.logger,
  })
}

function devicesOf({ start }: ThreadContext): WatchDevices {
  const { storeDir } = start.identity
  return {
    openStore: (generation) => openLmdbStore({ path: storePath(storeDir, generation), readOnly: true }),
    seed: randomInt(SEEDS),
  }
}
