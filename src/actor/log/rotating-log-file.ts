/**
 * A log file that is put aside when it is full: `raftring.log` becomes `raftring-2026-01-31T10-00-00.000.log`, which is
 * compressed and in the end removed. All of it happens on the log writer's thread, in steps between lines.
 */

import {
  closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, renameSync, unlinkSync, writeSync,
} from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { LogRotation } from '../../config/sections/log-config.js'
import { formatLogLine } from '../../metrics/logger.js'
import { DescriptorSink, type LogSink } from './log-sink.js'

const DAY_MS = 86_400_000
/** Compressed at a time; a gzip file may be a row of members, so each step makes one. */
const STEP_BYTES = 256 * 1024
const FILE_MODE = 0o600
const COMPRESSED = '.gz'
const UNFINISHED = '.gz.part'

interface Backup {
  readonly path: string
  readonly stamp: string
  readonly isCompressed: boolean
}

export class RotatingLogFile implements LogSink {
  readonly #path: string
  readonly #rotation: LogRotation
  readonly #wallMs: () => number
  #descriptor: number
  #sink: DescriptorSink
  #bytes: number
  #compression: { readonly from: number; readonly to: number; readonly path: string } | null = null
  readonly #toCompress: string[] = []
  readonly #chunk = Buffer.alloc(STEP_BYTES)

  constructor(path: string, rotation: LogRotation, wallMs: () => number) {
    this.#path = path
    this.#rotation = rotation
    this.#wallMs = wallMs
    this.#descriptor = openLogFile(path)
    this.#sink = new DescriptorSink(this.#descriptor)
    this.#bytes = fstatSync(this.#descriptor).size
    for (const name of this.#namesAside()) if (name.endsWith(UNFINISHED)) unlinkSync(join(dirname(path), name))
    this.#prune()
  }

  /** No file grows past its bound: a batch of lines that does not fit begins the next file. */
  write(batch: Uint8Array, length: number): void {
    if (this.#bytes > 0 && this.#bytes + length > this.#rotation.bytesMax) this.#rotate()
    this.#sink.write(batch, length)
    this.#bytes += length
  }

  tidy(): boolean {
    if (this.#compression === null) {
      const path = this.#toCompress.shift()
      if (path === undefined || !existsSync(path)) return path !== undefined
      this.#attempt('compress', () => {
        this.#compression = { from: openSync(path, 'r'), to: openSync(`${path}${UNFINISHED}`, 'w', FILE_MODE), path }
      })
      return true
    }
    this.#attempt('compress', () => this.#compressStep())
    return true
  }

  #rotate(): void {
    this.#attempt('rotate', () => {
      renameSync(this.#path, this.#freeBackupPath())
      const full = this.#descriptor
      this.#descriptor = openLogFile(this.#path)
      this.#sink = new DescriptorSink(this.#descriptor)
      closeSync(full)
    })
    // A file that cannot be put aside grows by one bound more before that is tried again.
    this.#bytes = 0
    this.#attempt('remove', () => this.#prune())
  }

  /** Removes what is too old or too many, newest first kept, and plans what is to be compressed. */
  #prune(): void {
    const { ageDaysMax, backupsMax, compress } = this.#rotation
    const oldest = ageDaysMax === 0 ? '' : this.#stampOf(this.#wallMs() - ageDaysMax * DAY_MS)
    const backups = this.#backups()
    const stamps = [...new Set(backups.map(({ stamp }) => stamp))]
    const kept = new Set(stamps.filter((stamp) => stamp > oldest).slice(0, backupsMax === 0 ? undefined : backupsMax))
    this.#toCompress.length = 0
    for (const { path, stamp, isCompressed } of backups) {
      const isBeingCompressed = this.#compression?.path === path
      if (!kept.has(stamp) && !isBeingCompressed) unlinkSync(path)
      else if (compress && !isCompressed && !isBeingCompressed) this.#toCompress.push(path)
    }
  }

  #compressStep(): void {
    const { from, to, path } = this.#compression as { from: number; to: number; path: string }
    const length = readSync(from, this.#chunk, 0, STEP_BYTES, null)
    if (length > 0) {
      const member = gzipSync(this.#chunk.subarray(0, length))
      for (let at = 0; at < member.length; ) at += writeSync(to, member, at)
      return
    }
    this.#endCompression()
    renameSync(`${path}${UNFINISHED}`, `${path}${COMPRESSED}`)
    unlinkSync(path)
    this.#prune()
  }

  #endCompression(): void {
    if (this.#compression === null) return
    closeSync(this.#compression.from)
    closeSync(this.#compression.to)
    this.#compression = null
  }

  /** A file that cannot be moved, removed or compressed stays as it is, and the log says so. */
  #attempt(what: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      this.#endCompression()
      const fields = { action: what, error: message }
      const line = Buffer.from(formatLogLine('error', this.#wallMs(), 'log', 'log rotation failed', fields))
      this.#sink.write(line, line.length)
    }
  }

  /** Newest first. */
  #backups(): Backup[] {
    const [prefix, extension] = this.#nameParts()
    return this.#namesAside()
      .filter((name) => name.endsWith(extension) || name.endsWith(extension + COMPRESSED))
      .map((name) => ({
        path: join(dirname(this.#path), name),
        stamp: name.slice(prefix.length, prefix.length + STAMP_LENGTH),
        isCompressed: name.endsWith(COMPRESSED),
      }))
      .toSorted((a, b) => (a.stamp < b.stamp ? 1 : a.stamp > b.stamp ? -1 : 0))
  }

  /** Files that were put aside, finished or not, by their names. */
  #namesAside(): string[] {
    const [prefix] = this.#nameParts()
    return readdirSync(dirname(this.#path)).filter(
      (name) => name.startsWith(prefix) && STAMP.test(name.slice(prefix.length, prefix.length + STAMP_LENGTH)),
    )
  }

  #freeBackupPath(): string {
    const [prefix, extension] = this.#nameParts()
    for (let ms = this.#wallMs(); ; ms++) {
      const path = join(dirname(this.#path), `${prefix}${this.#stampOf(ms)}${extension}`)
      if (!existsSync(path) && !existsSync(path + COMPRESSED)) return path
    }
  }

  #nameParts(): [prefix: string, extension: string] {
    const extension = extname(this.#path)
    return [`${basename(this.#path, extension)}-`, extension]
  }

  #stampOf(wallMs: number): string {
    const offsetMs = this.#rotation.localTime ? new Date(wallMs).getTimezoneOffset() * 60_000 : 0
    return new Date(wallMs - offsetMs).toISOString().slice(0, STAMP_LENGTH).replaceAll(':', '-')
  }
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/
const STAMP_LENGTH = '2026-01-31T10-00-00.000'.length

/** Opens for appending; makes the folder, as a rotated file's has to be writable anyway. */
export function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a', FILE_MODE)
}
