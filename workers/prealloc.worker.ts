/**
 * The entry of the log's helper thread: files are filled with zeros ahead of need, and old ones removed, beside
 * the log.
 */

import { workerData } from 'node:worker_threads'
import { runPreallocator, type PreallocatorStart } from '../src/wal/preallocator.js'

runPreallocator(workerData as PreallocatorStart)
