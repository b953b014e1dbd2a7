/**
 * A directory of files that forgets, at a power loss, what was not synced: of each unsynced page some sectors stay and
 * others are as before. Also a disk that is full, and one that fails to sync.
 */

import type { Prng } from '../../src/base/prng.js'
import type { Bytes } from '../../src/base/bytes.js'
import type { SegmentSupply, SupplyStatus, WalDevice, WalFile } from '../../src/wal/wal-device.js'
import { writeZeros } from '../../src/wal/wal-segment.js'

const SECTOR_BYTES = 512
const PAGE_SECTORS = 8

class Content {
  bytes = new Uint8Array(0)

  resize(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, Math.min(size, this.bytes.length)))
    this.bytes = bytes
  }
}

class Inode {
  readonly cached = new Content()
  durable = new Uint8Array(0)
  readonly dirtySectors = new Set<number>()
  syncs = 0

  sync(): void {
    this.durable = this.cached.bytes.slice()
    this.dirtySectors.clear()
    this.syncs++
  }

  /** What is left of the file after a power loss. */
  survivor(random: Prng): Inode {
    const out = new Inode()
    const keepsSize = random.chance(0.5)
    out.cached.bytes = this.durable.slice()
    if (keepsSize) out.cached.resize(this.cached.bytes.length)
    const fates = new Map<number, 'kept' | 'lost' | 'torn'>()
    for (const sector of this.dirtySectors) {
      const page = Math.floor(sector / PAGE_SECTORS)
      const fate = fates.get(page) ?? random.pick(['kept', 'lost', 'torn'] as const)
      fates.set(page, fate)
      const stays = fate === 'kept' || (fate === 'torn' && random.chance(0.5))
      const start = sector * SECTOR_BYTES
      const end = Math.min(start + SECTOR_BYTES, this.cached.bytes.length, out.cached.bytes.length)
      if (stays && start < end) out.cached.bytes.set(this.cached.bytes.subarray(start, end), start)
    }
    out.durable = out.cached.bytes.slice()
    return out
  }
}

export class SimulatedDisk implements WalDevice {
  readonly path = '/disk'
  /** Bytes that all files together may have. */
  capacityBytes = Infinity
  /** A control: nothing that is synced stays. */
  ignoresSyncs = false
  failsSyncs = false
  syncs = 0
  writes = 0
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #pendingNames: (() => void)[] = []

  list(): readonly string[] {
    return [...this.#names.keys()]
  }

  create(name: string): WalFile | null {
    const inode = new Inode()
    this.#change((names) => names.set(name, inode))
    return this.#file(inode)
  }

  open(name: string): WalFile {
    return this.#file(this.inode(name))
  }

  rename(from: string, to: string): void {
    const inode = this.inode(from)
    this.#change((names) => {
      names.delete(from)
      names.set(to, inode)
    })
  }

  remove(name: string): void {
    this.inode(name)
    this.#change((names) => names.delete(name))
  }

  syncNames(): void {
    for (const apply of this.#pendingNames) apply()
    this.#pendingNames = []
  }

  /** The same directory after the power came back. */
  powerLoss(random: Prng): SimulatedDisk {
    const out = new SimulatedDisk()
    for (const apply of this.#pendingNames.slice(0, random.between(0, this.#pendingNames.length))) apply()
    for (const [name, inode] of this.#durableNames) out.#put(name, inode.survivor(random))
    return out
  }

  /** The same directory after the process alone was killed. */
  processKilled(): SimulatedDisk {
    const out = new SimulatedDisk()
    for (const [name, inode] of this.#names) {
      const copy = new Inode()
      copy.cached.bytes = inode.cached.bytes.slice()
      copy.durable = copy.cached.bytes.slice()
      out.#put(name, copy)
    }
    return out
  }

  /** The cached bytes of a file, to look at or to damage. */
  contents(name: string): Uint8Array {
    return this.inode(name).cached.bytes
  }

  setContents(name: string, bytes: Uint8Array): void {
    const inode = new Inode()
    inode.cached.bytes = bytes.slice()
    inode.durable = bytes.slice()
    this.#put(name, inode)
  }

  inode(name: string): Inode {
    const inode = this.#names.get(name)
    if (inode === undefined) throw new Error(`no file ${name}`)
    return inode
  }

  usedBytes(): number {
    let used = 0
    for (const inode of this.#names.values()) used += inode.cached.bytes.length
    return used
  }

  #put(name: string, inode: Inode): void {
    this.#names.set(name, inode)
    this.#durableNames.set(name, inode)
  }

  #change(change: (names: Map<string, Inode>) => void): void {
    change(this.#names)
    this.#pendingNames.push(() => change(this.#durableNames))
  }

  #file(inode: Inode): WalFile {
    return {
      sizeBytes: () => inode.cached.bytes.length,
      read: (target, start, end, position) => {
        const part = inode.cached.bytes.subarray(position, position + end - start)
        target.set(part, start)
        return part.length
      },
      write: (source, start, end, position) => this.#write(inode, source.subarray(start, end), position),
      truncate: (size) => inode.cached.resize(size),
      sync: () => {
        if (this.failsSyncs) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
        this.syncs++
        if (!this.ignoresSyncs) inode.sync()
      },
      close: () => undefined,
    }
  }

  #write(inode: Inode, source: Bytes, position: number): boolean {
    this.writes++
    const free = this.capacityBytes - this.usedBytes() + inode.cached.bytes.length
    const end = Math.min(position + source.length, Math.max(position, free))
    if (end > inode.cached.bytes.length) inode.cached.resize(end)
    inode.cached.bytes.set(source.subarray(0, end - position), position)
    for (let at = position; at < end; at += SECTOR_BYTES) inode.dirtySectors.add(Math.floor(at / SECTOR_BYTES))
    if (end > position) inode.dirtySectors.add(Math.floor((end - 1) / SECTOR_BYTES))
    return end === position + source.length
  }
}

/** Makes segments ready at once. */
export class InlineSupply implements SegmentSupply {
  readonly #device: WalDevice
  readonly #fileBytes: number
  #status: SupplyStatus = 'idle'

  constructor(device: WalDevice, fileBytes: number) {
    this.#device = device
    this.#fileBytes = fileBytes
  }

  prepare(name: string): void {
    const file = this.#device.create(name)
    if (file !== null && writeZeros(file, 0, this.#fileBytes)) {
      file.sync()
      this.#status = 'ready'
    } else {
      this.#device.remove(name)
      this.#status = 'failed'
    }
    file?.close()
  }

  status(): SupplyStatus {
    return this.#status
  }

  take(): void {
    this.#status = 'idle'
  }

  failure(): number {
    return this.#status === 'failed' ? -28 : 0
  }

  discard(name: string): void {
    this.#device.remove(name)
  }

  discardFailure(): number {
    return 0
  }

  close(): void {}
}
