/** The entry of the checkpoint helper: syncs the store file and writes checkpoints beside mvcc. */

import { workerData } from 'node:worker_threads'
import type { CheckpointThreadStart } from '../src/mvcc/open-mvcc.js'
import { StoreCheckpointTarget } from '../src/mvcc/checkpoint/store-checkpoint.js'
import { runCheckpointHelper } from '../src/mvcc/checkpoint/thread-checkpointer.js'

const start = workerData as CheckpointThreadStart
runCheckpointHelper(start, () => new StoreCheckpointTarget(start))
