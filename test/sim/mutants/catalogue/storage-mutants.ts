/** Bugs of the log on disk, of checkpoints and of the key space. */

import type { Mutant } from '../mutant.js'

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'checkpoint-ahead-of-the-log',
    story: 'a checkpoint holds entries that the own log does not have on disk (found here by the simulator)',
    file: 'mvcc/checkpoint/checkpoint-schedule.js',
    find: 'return notOnDiskFrom === 0 || appliedIndex < notOnDiskFrom;',
    replace: 'return true;',
  },
  {
    name: 'log-without-sync',
    story: 'entries are called durable after the write, without a sync',
    file: 'wal/wal-actor.js',
    find: 'writer.sync();\n            this.#syncOwed = false;',
    replace: 'this.#syncOwed = false;',
  },
  {
    name: 'state-without-sync',
    story: 'a new term or vote asks for no sync of its own (known from etcd raft)',
    file: 'wal/wal-actor.js',
    find: 'if (message.mustSync === 1)',
    replace: 'if (message.mustSync === 2)',
  },
  {
    name: 'cut-without-sync',
    story: 'the name of a new segment is not synced, so that it may be gone with all that was written to it',
    file: 'wal/wal-segment.js',
    find: 'device.syncNames();',
    replace: '',
  },
  {
    name: 'torn-write-is-corruption',
    story: 'a write that a crash has torn is taken for damage, and the member does not start (known from etcd)',
    file: 'wal/wal-recovery.js',
    find: "return scanner.damage === 'cut-off' || scanner.damageHasEmptySector();",
    replace: "return scanner.damage === 'cut-off';",
  },
  {
    name: 'damage-is-a-torn-write',
    story: 'a log that is damaged in its middle is cut off there, as if a crash had torn its last write',
    file: 'wal/wal-recovery.js',
    find: "    if (scanner.hasSyncMarkBehind(scanner.writtenEnd())) {\n" +
      "        return step === 'end' ? 'records are missing' : damageText(scanner);\n    }\n" +
      "    if (!scanner.sectorIsSound())\n" +
      "        return step === 'end' ? 'a length field is missing' : damageText(scanner);\n" +
      "    if (step === 'damage' && !isTorn(scanner))\n        return damageText(scanner);\n",
    replace: '',
  },
  {
    name: 'damaged-last-write-is-torn',
    story: 'whatever is wrong behind the last mark is cut off, though no crash leaves it so (synced entries are lost)',
    file: 'wal/wal-recovery.js',
    find: "return scanner.damage === 'cut-off' || scanner.damageHasEmptySector();",
    replace: 'return true;',
  },
  {
    name: 'torn-tail-is-kept',
    story: 'what lies behind the last good record is not cleared, and is read again after the next crash',
    file: 'wal/wal-recovery.js',
    find: 'clearBehind(tail);\n    // What',
    replace: '// What',
  },
  {
    name: 'replay-keeps-replaced-entries',
    story: 'entries that a leader had replaced come back at a start, behind their replacements',
    file: 'raft/raft-recovery.js',
    find: 'while (this.#entries.length > 0 && this.#entries.at(-1).index >= entry.index)',
    replace: 'if (this.#entries.length > 0 && this.#entries.at(-1).index >= entry.index)',
  },
  {
    name: 'commit-index-is-trusted-alone',
    story: 'a start ignores that its store may know of a later commit than the saved state',
    file: 'raft/raft-recovery.js',
    find: 'commit: Math.max(commit, appliedIndex) },',
    replace: 'commit },',
  },
  {
    name: 'compaction-takes-what-is-needed',
    story: 'compaction removes versions that reads above its revision still need',
    file: 'keyspace/tables/compaction.js',
    find: 'if (record.modRevision > target)',
    replace: 'if (record.modRevision > target + 5)',
  },
  {
    name: 'compaction-takes-its-own-tombstone',
    story: 'a deletion at the compacted revision itself is removed (known from etcd)',
    file: 'keyspace/tables/compaction.js',
    find: 'if (record.isTombstone && record.modRevision < target) {',
    replace: 'if (record.isTombstone && record.modRevision <= target) {',
  },
]
