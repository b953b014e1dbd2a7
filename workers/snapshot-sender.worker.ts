/** The entry of the helper thread that makes images of the store and sends them to other members. */

import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { systemClock } from '../src/base/system-clock.js'
import { runSnapshotSender } from '../src/peer/snapshot/sender-thread.js'
import type { SnapshotSenderStart } from '../src/peer/snapshot/sender-protocol.js'

await runSnapshotSender(workerData as SnapshotSenderStart, parentPort as MessagePort, { pause, clock: systemClock })
