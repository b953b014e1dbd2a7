/** The file that an image arrives in, written on libuv's pool: a slow disk holds up nothing but the transfer. */

import { closeSync, fdatasync, fsync, openSync, rmSync, statfsSync, write } from 'node:fs'

/** So much is written between two syncs: the last one is short, and the page cache is not flooded. */
const SYNC_BYTES = 32 * 1024 * 1024
/** What the log and the store need meanwhile. */
const SPARE_BYTES = 64 * 1024 * 1024

export function hasRoomFor(dir: string, bytes: number): boolean {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize >= bytes + SPARE_BYTES
}

export class IncomingFile {
  readonly path: string
  readonly #descriptor: number
  readonly #noFsync: boolean
  #isOpen = true
  /** What is on its way to the disk. One at a time. */
  #busy: Promise<void> = Promise.resolve()
  #unsynced = 0

  constructor(path: string, noFsync: boolean) {
    this.path = path
    this.#noFsync = noFsync
    this.#descriptor = openSync(path, 'w', 0o600)
  }

  /** Resolves when the bytes are the caller's again. */
  async write(bytes: Buffer, offset: number): Promise<void> {
    this.#busy = this.#write(bytes, offset)
    await this.#busy
  }

  /** All that was written is durable, and the file is closed. */
  async finish(): Promise<void> {
    await this.#busy
    if (!this.#isOpen) return
    if (!this.#noFsync) {
      this.#busy = new Promise((resolve, reject) => {
        fsync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)))
      })
    }
    await this.#busy
    this.#close()
  }

  /** Not before the pool is done with it. */
  async drop(): Promise<void> {
    await this.#busy.catch(() => undefined)
    if (this.#isOpen) this.#close()
    rmSync(this.path, { force: true })
  }

  async #write(bytes: Buffer, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#writeSome(bytes, at, offset + at)
    this.#unsynced += bytes.length
    if (this.#unsynced < SYNC_BYTES || this.#noFsync) return
    this.#unsynced = 0
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  async #writeSome(bytes: Buffer, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#descriptor, bytes, at, bytes.length - at, position, (error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    })
  }

  #close(): void {
    this.#isOpen = false
    closeSync(this.#descriptor)
  }
}
