/** The log's directory on a real disk: the only file of the log that opens, writes, syncs and removes. */

import {
  closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, readdirSync, renameSync,
  rmSync, unlinkSync, writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../base/directories-file.js'
import type { Bytes } from '../base/bytes.js'
import type { WalDevice, WalFile } from './wal-device.js'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

class DiskFile implements WalFile {
  readonly #descriptor: number
  readonly #syncs: boolean

  constructor(descriptor: number, syncs: boolean) {
    this.#descriptor = descriptor
    this.#syncs = syncs
  }

  sizeBytes(): number {
    return fstatSync(this.#descriptor).size
  }

  read(target: Bytes, start: number, end: number, position: number): number {
    let at = start
    while (at < end) {
      const count = readSync(this.#descriptor, target, at, end - at, position + at - start)
      if (count === 0) break
      at += count
    }
    return at - start
  }

  write(source: Bytes, start: number, end: number, position: number): boolean {
    let at = start
    try {
      while (at < end) at += writeSync(this.#descriptor, source, at, end - at, position + at - start)
    } catch (error) {
      if (isDiskFull(error)) return false
      throw error
    }
    return true
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#descriptor, sizeBytes)
  }

  sync(): void {
    if (this.#syncs) fdatasyncSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

export class WalDirectory implements WalDevice {
  readonly path: string
  readonly #syncs: boolean

  /** Makes the directory if there is none. `noFsync`: survive a crash of the process, not of the machine. */
  constructor(path: string, options: { readonly noFsync: boolean }) {
    this.path = path
    this.#syncs = !options.noFsync
    const firstMade = makeDirectories(path, DIRECTORY_MODE)
    if (firstMade === undefined) return
    for (let made = path; made.length >= firstMade.length; made = dirname(made)) this.#syncDirectory(dirname(made))
  }

  list(): readonly string[] {
    return readdirSync(this.path)
  }

  create(name: string): WalFile | null {
    try {
      return new DiskFile(openSync(join(this.path, name), 'w+', FILE_MODE), this.#syncs)
    } catch (error) {
      if (isDiskFull(error)) return null
      throw error
    }
  }

  open(name: string, mode: 'read' | 'write'): WalFile {
    return new DiskFile(openSync(join(this.path, name), mode === 'read' ? 'r' : 'r+'), this.#syncs)
  }

  rename(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to))
  }

  remove(name: string): void {
    unlinkSync(join(this.path, name))
  }

  syncNames(): void {
    this.#syncDirectory(this.path)
  }

  #syncDirectory(path: string): void {
    if (!this.#syncs) return
    const descriptor = openSync(path, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

/** The names of a directory that may not exist; null when it does not. Creates nothing. */
export function listIfThere(path: string): readonly string[] | null {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** A full disk or a used-up quota: room may come back. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Synced together. */
const CHUNK_BYTES = 2 * 1024 * 1024
/**
 * Written at once. Linux keeps what one call writes in one folio of the page cache, and from 6.16 on ext4 goes through
 * all blocks of a folio for each small write into it: the log's own writes would cost several times as much.
 */
const ZEROS = new Uint8Array(4096)

/**
 * Fills a file with zeros chunk by chunk, each synced, so that its blocks are allocated before the log writes to
 * it.
 */
export class ZeroFill {
  /** What went wrong, as the system's error number; 0 while nothing has. */
  errorNumber = 0
  readonly #path: string
  readonly #options: { readonly fileBytes: number; readonly noFsync: boolean }
  #descriptor = -1
  #at = 0

  constructor(path: string, options: { readonly fileBytes: number; readonly noFsync: boolean }) {
    this.#path = path
    this.#options = options
    this.#try(() => {
      this.#descriptor = openSync(path, 'w', FILE_MODE)
    })
  }

  /** Writes one chunk; false when there is nothing left to do. */
  step(): boolean {
    const end = Math.min(this.#at + CHUNK_BYTES, this.#options.fileBytes)
    if (this.errorNumber !== 0 || this.#at === end) return false
    this.#try(() => {
      while (this.#at < end) {
        this.#at += writeSync(this.#descriptor, ZEROS, 0, Math.min(ZEROS.length, end - this.#at), this.#at)
      }
      if (!this.#options.noFsync) fdatasyncSync(this.#descriptor)
    })
    return true
  }

  /** Closes the file. One that is not complete is removed: on a full disk its room is needed. */
  finish(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor)
    if (this.errorNumber !== 0 || this.#at < this.#options.fileBytes) removeFile(this.#path)
  }

  #try(action: () => void): void {
    this.errorNumber = systemErrorOf(action)
  }
}

/** The number of the system error that an action ends with, 0 when it ends well. Other errors are bugs and go on. */
export function systemErrorOf(action: () => void): number {
  try {
    action()
    return 0
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    return errno
  }
}

/** Removes a file that may be gone already. */
export function removeFile(path: string): void {
  rmSync(path, { force: true })
}
