/**
 * The disk of a simulated member's log. What was not synced may be lost when the power goes: of each dirty page all
 * sectors stay, none, or some. It can also be full, fail to sync, lose its power in the middle of a call, or have a
 * sector that went bad.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import { SegmentScanner } from '../../wal/segment-scanner.js'
import type { WalDevice, WalFile } from '../../wal/wal-device.js'
import { segmentsOf } from '../../wal/wal-segment.js'
import { DeviceFailure, PowerCut } from '../world/failure.js'

const SECTOR_BYTES = 512
const PAGE_SECTORS = 8
const PAGE_BYTES = PAGE_SECTORS * SECTOR_BYTES

/** Of the sectors that go bad so many are those that were written last: damage there looks like a torn write. */
const LAST_WRITE_CHANCE = 0.5
const FLIPPED_BITS = [1, 1, 2, 8]

/** What goes bad of a file: bytes of records in [start, end), all in one sector. */
export interface BadSector {
  readonly name: string
  readonly start: number
  readonly end: number
  /** Where the file's synced records end. */
  readonly syncedEnd: number
}

class Inode {
  /** What programs see, and what is on the medium. Equally long. */
  cached = new Uint8Array(4096)
  durable = new Uint8Array(4096)
  size = 0
  durableSize = 0
  readonly dirty = new Set<number>()

  reserve(bytes: number): void {
    if (bytes <= this.cached.length) return
    const length = Math.max(bytes, 2 * this.cached.length)
    this.cached = grown(this.cached, length)
    this.durable = grown(this.durable, length)
  }

  sync(): void {
    for (const sector of this.dirty) this.#settle(sector)
    this.dirty.clear()
    this.durableSize = this.size
  }

  powerLoss(random: Prng): void {
    const fates = new Map<number, number>()
    for (const sector of this.dirty) {
      const page = Math.floor(sector / PAGE_SECTORS)
      const fate = fates.get(page) ?? random.between(0, 2)
      fates.set(page, fate)
      if (fate === 0 || (fate === 2 && random.chance(0.5))) this.#settle(sector)
    }
    this.dirty.clear()
    if (random.chance(0.5)) this.size = this.durableSize
    this.durableSize = this.size
    this.cached.set(this.durable)
    this.cached.fill(0, this.size)
    this.durable.fill(0, this.size)
  }

  #settle(sector: number): void {
    const start = sector * SECTOR_BYTES
    this.durable.set(this.cached.subarray(start, start + SECTOR_BYTES), start)
  }
}

export class SimDisk implements WalDevice {
  readonly path = '/disk/wal'
  /** Bytes that all files together may have. */
  capacityBytes = Infinity
  failsSyncs = false
  /** A control for mutants of the disk itself: a sync does nothing. */
  ignoresSyncs = false
  /** After the damage somebody has written over records that were synced: they are lost. */
  lostRecords = false
  syncs = 0
  writes = 0
  #damaged: { readonly inode: Inode; readonly syncedEnd: number } | null = null
  #callsToCut = Infinity
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #pendingNames: ((names: Map<string, Inode>) => void)[] = []

  /** The power goes in the n-th call from now that changes something. */
  cutPowerAfter(calls: number): void {
    this.#callsToCut = calls
  }

  list(): readonly string[] {
    return [...this.#names.keys()]
  }

  create(name: string): WalFile | null {
    this.#call()
    const inode = new Inode()
    this.#change((names) => names.set(name, inode))
    return this.#file(inode)
  }

  open(name: string): WalFile {
    return this.#file(this.#inode(name))
  }

  rename(from: string, to: string): void {
    this.#call()
    const inode = this.#inode(from)
    this.#change((names) => {
      names.delete(from)
      names.set(to, inode)
    })
  }

  remove(name: string): void {
    this.#call()
    if (this.#names.has(name)) this.#change((names) => names.delete(name))
  }

  syncNames(): void {
    this.#call()
    for (const apply of this.#pendingNames) apply(this.#durableNames)
    this.#pendingNames = []
  }

  /** The power went, and is back. */
  powerLoss(random: Prng): void {
    const kept = random.between(0, this.#pendingNames.length)
    for (const apply of this.#pendingNames.slice(0, kept)) apply(this.#durableNames)
    this.#pendingNames = []
    this.#names = new Map(this.#durableNames)
    for (const inode of new Set(this.#names.values())) inode.powerLoss(random)
    this.restarted()
  }

  /** The process ended, the machine went on: what was written is still there. */
  restarted(): void {
    this.#callsToCut = Infinity
    this.failsSyncs = false
  }

  /** A sector with records that are on the medium. It stays whole until `damage`, so that a crash may come before. */
  pickSector(random: Prng): BadSector | null {
    const segments = segmentsOf([...this.#durableNames.keys()])
    const isLast = random.chance(LAST_WRITE_CHANCE)
    const segment = isLast ? segments.at(-1) : segments[random.between(0, segments.length - 1)]
    if (segment === undefined) return null
    const { name } = segment
    const end = this.#recordsEnd(this.#durableNames.get(name) as Inode)
    const last = Math.floor((end - 1) / SECTOR_BYTES)
    const sector = isLast ? last : random.between(0, last)
    return { name, start: sector * SECTOR_BYTES, end: Math.min(end, (sector + 1) * SECTOR_BYTES), syncedEnd: end }
  }

  /** Some bits of the sector's records flip. */
  damage(sector: BadSector, random: Prng): void {
    const inode = this.#names.get(sector.name)
    if (inode === undefined) return
    const { start, end } = sector
    const count = random.pick(FLIPPED_BITS)
    const bits = new Set(Array.from({ length: count }, () => random.between(8 * start, 8 * end - 1)))
    for (const bit of bits) {
      const at = bit >> 3
      const flipped = (inode.cached[at] as number) ^ (1 << (bit & 7))
      inode.cached[at] = inode.durable[at] = flipped
    }
    this.#damaged = { inode, syncedEnd: sector.syncedEnd }
  }

  usedBytes(): number {
    let sum = 0
    for (const inode of this.#names.values()) sum += inode.size
    return sum
  }

  #recordsEnd(inode: Inode): number {
    const medium: WalFile = {
      ...this.#file(inode),
      sizeBytes: () => inode.durableSize,
      read: (target, start, end, position) => copied(inode.durable.subarray(0, inode.durableSize), target, {
        start, end, position,
      }),
    }
    const scanner = new SegmentScanner(medium, null)
    while (scanner.next() === 'record');
    return scanner.offset
  }

  #changes(inode: Inode, from: number): void {
    if (this.#damaged?.inode === inode && from < this.#damaged.syncedEnd) this.lostRecords = true
  }

  #call(): void {
    if (this.#callsToCut-- <= 0) throw new PowerCut()
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name)
    assert(inode !== undefined, `no file ${name}`)
    return inode
  }

  #change(apply: (names: Map<string, Inode>) => void): void {
    apply(this.#names)
    this.#pendingNames.push(apply)
  }

  #file(inode: Inode): WalFile {
    return {
      sizeBytes: () => inode.size,
      read: (target, start, end, position) => copied(inode.cached.subarray(0, inode.size), target, {
        start, end, position,
      }),
      write: (source, start, end, position) => this.#write(inode, source.subarray(start, end), position),
      truncate: (size) => {
        this.#call()
        this.#changes(inode, size)
        inode.reserve(size)
        inode.cached.fill(0, Math.min(size, inode.size))
        for (let at = Math.min(size, inode.size); at < inode.size; at += SECTOR_BYTES) dirty(inode, at, at + 1)
        inode.size = size
      },
      sync: () => {
        this.#call()
        if (this.failsSyncs) throw new DeviceFailure('EIO: i/o error, fdatasync')
        this.syncs++
        if (!this.ignoresSyncs) inode.sync()
      },
      close: () => undefined,
    }
  }

  #write(inode: Inode, source: Bytes, position: number): boolean {
    this.writes++
    this.#changes(inode, position)
    const free = this.capacityBytes === Infinity ? Infinity : this.capacityBytes - this.usedBytes() + inode.size
    let end = position + source.length
    if (end > free) end = pageBefore(free, position)
    const isCut = this.#callsToCut-- <= 0
    // Some of it may have come as far as the page cache, page by page, and from there to the disk.
    if (isCut) end = pageBefore((position + end) / 2, position)
    inode.reserve(end)
    inode.cached.set(source.subarray(0, end - position), position)
    if (end > inode.size) inode.size = end
    dirty(inode, position, end)
    if (isCut) throw new PowerCut()
    return end === position + source.length
  }
}

/** Where a write is cut off that does not get as far as `end`. */
function pageBefore(end: number, position: number): number {
  return Math.max(position, Math.floor(end / PAGE_BYTES) * PAGE_BYTES)
}

function copied(source: Bytes, target: Bytes, at: { start: number; end: number; position: number }): number {
  const { start, end, position } = at
  const stop = Math.max(position, Math.min(source.length, position + end - start))
  target.set(source.subarray(position, stop), start)
  return stop - position
}

function dirty(inode: Inode, start: number, end: number): void {
  for (let sector = Math.floor(start / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) inode.dirty.add(sector)
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  out.set(bytes)
  return out
}
