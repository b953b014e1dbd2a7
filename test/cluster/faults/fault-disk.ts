/** A file system of its own in a file: it can be frozen, so that whoever writes waits, and it can be full. */

import { spawn } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { run, runQuietly } from './machine-tools.js'

const SIZE_BYTES = 640 * 1024 ** 2
const FROZEN_SECONDS_MAX = 30
/** Of a disk that counts as full. */
const LEFT_BYTES_MAX = 65_536

export class FaultDisk {
  readonly path: string
  readonly #image: string
  #isFrozen = false

  private constructor(directory: string, name: string) {
    this.path = join(directory, name)
    this.#image = join(directory, `${name}.img`)
  }

  static async create(directory: string, name: string): Promise<FaultDisk> {
    const disk = new FaultDisk(directory, name)
    const file = openSync(disk.#image, 'w')
    ftruncateSync(file, SIZE_BYTES)
    closeSync(file)
    mkdirSync(disk.path)
    await run('mkfs.ext4', '-q', '-m', '0', disk.#image)
    await run('mount', '-o', 'loop', disk.#image, disk.path)
    return disk
  }

  /** Whoever writes to it then cannot even be killed, so somebody else thaws it if this process is gone. */
  async freeze(): Promise<void> {
    const thaw = `sleep ${FROZEN_SECONDS_MAX}; fsfreeze -u "$1" 2>/dev/null`
    spawn('sh', ['-c', thaw, 'sh', this.path], { detached: true, stdio: 'ignore' }).unref()
    this.#isFrozen = true
    await run('fsfreeze', '-f', this.path)
  }

  async thaw(): Promise<void> {
    if (!this.#isFrozen) return
    this.#isFrozen = false
    await run('fsfreeze', '-u', this.path)
  }

  /** Takes what there is, in smaller and smaller pieces: the file system needs some of the room to note them. */
  async fill(): Promise<void> {
    mkdirSync(this.#filler, { recursive: true })
    const { bavail, bsize } = statfsSync(this.path)
    for (let bytes = bavail * bsize; bytes >= bsize; bytes = Math.floor(bytes / 2)) {
      await runQuietly('fallocate', '-l', String(bytes), join(this.#filler, String(bytes)))
    }
    const left = statfsSync(this.path).bavail * bsize
    if (left > LEFT_BYTES_MAX) throw new Error(`${left} bytes are left on a disk that should be full`)
  }

  empty(): void {
    rmSync(this.#filler, { recursive: true, force: true })
  }

  /** A member that comes anew has nothing. */
  wipe(name: string): void {
    rmSync(join(this.path, name), { recursive: true, force: true })
  }

  async remove(): Promise<void> {
    await this.thaw()
    await runQuietly('umount', '-l', this.path)
    rmSync(this.#image, { force: true })
  }

  get #filler(): string {
    return join(this.path, 'filler')
  }
}
