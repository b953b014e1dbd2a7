/**
 * What the log costs for each record: encoded, checked, written, and with a sync for each group. Run on a disk:
 * node dist/bench/wal/append.bench.js [directory]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SegmentSupply } from '../../src/wal/wal-device.js'
import { LogWriter, createLog, type LogWriterOptions } from '../../src/wal/log-writer.js'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { SEGMENT_BYTES } from '../../src/wal/wal-segment.js'
import { scriptOptions } from '../../scripts/support/script-options.js'

const RECORD_BYTES = 300
const GROUPS = [1, 100, 1000]
const ROUNDS = 3
const SECONDS = 0.4

/** The segment is large enough for one measurement. */
const NO_SUPPLY: SegmentSupply = {
  prepare: () => undefined,
  status: () => 'preparing',
  take: () => undefined,
  failure: () => 0,
  discard: () => undefined,
  discardFailure: () => 0,
  close: () => undefined,
}

interface Figures {
  readonly usPerRecord: number
  readonly usPerGroup: number
}

const { words: [parent = tmpdir()] } = scriptOptions({
  does: 'What the log costs for each record: encoded, checked, written, and with a sync for each group.',
  words: { names: '[DIRECTORY]', max: 1, text: 'on the disk to be measured (where temporary files go)' },
})
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`)
console.log(`records of ${RECORD_BYTES} bytes; medians of ${ROUNDS} rounds of ${SECONDS} s`)
console.log(`${'group'.padStart(6)} ${'sync'.padStart(5)} ${'us each'.padStart(9)} ${'us a group'.padStart(11)}`)
measure(1000, true)
for (const noFsync of [true, false]) {
  for (const group of GROUPS) {
    const rounds = Array.from({ length: ROUNDS }, () => measure(group, noFsync))
    const { usPerRecord, usPerGroup } = rounds.sort((a, b) => a.usPerGroup - b.usPerGroup)[ROUNDS >> 1] as Figures
    const columns = [String(group).padStart(6), (noFsync ? 'no' : 'yes').padStart(5)]
    columns.push(usPerRecord.toFixed(2).padStart(9), usPerGroup.toFixed(1).padStart(11))
    console.log(columns.join(' '))
  }
}

function measure(group: number, noFsync: boolean): Figures {
  const directory = mkdtempSync(join(parent, 'raftring-bench-'))
  try {
    const device = new WalDirectory(directory, { noFsync })
    const options: LogWriterOptions = {
      device, noFsync, supply: NO_SUPPLY, segmentBytes: SEGMENT_BYTES, segmentsMax: 0, random: Math.random,
    }
    const log = createLog(options, { nodeId: 1n, clusterId: 2n })
    if (log === null) throw new Error('the disk is full')
    return append(new LogWriter(log, options), group)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function append(writer: LogWriter, group: number): Figures {
  // As from a ring: shared memory, another place for each record.
  const source = new Uint8Array(new SharedArrayBuffer(1024 * 1024)).fill(7)
  const startedAt = process.hrtime.bigint()
  const endAt = startedAt + BigInt(SECONDS * 1e9)
  let now = startedAt
  let index = 0
  let groups = 0
  while (now < endAt) {
    for (let i = 0; i < group; i++) {
      const at = (++index * 512) & 0x7ffff
      writer.entry(0, 2, index, source, at, at + RECORD_BYTES)
    }
    writer.state(2, 1n, index)
    if (!writer.write()) throw new Error('the disk is full')
    writer.sync()
    groups++
    now = process.hrtime.bigint()
  }
  const us = Number(now - startedAt) / 1000
  writer.close()
  return { usPerRecord: us / index, usPerGroup: us / groups }
}
