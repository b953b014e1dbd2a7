/** wal: owns log files and fsync. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openWal } from '../src/wal/open-wal.js'

export const buildWal: ActorBuilder = (context) => openWal(context)
