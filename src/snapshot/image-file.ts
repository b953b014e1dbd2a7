/** Files that hold an image: one being made, that nobody sees by name, and one that is read. */

import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import type { Bytes } from '../base/bytes.js'
import type { PageInput } from '../bbolt/bbolt-reader.js'
import type { PageOutput } from '../bbolt/bbolt-writer.js'

const FILE_MODE = 0o600

export class ImageFile implements PageInput, PageOutput {
  readonly #descriptor: number
  #sizeBytes: number

  private constructor(descriptor: number, sizeBytes: number) {
    this.#descriptor = descriptor
    this.#sizeBytes = sizeBytes
  }

  /** For reading. `sizeBytes`: less than the file has, when something follows the image. Throws the system's error. */
  static open(path: string): ImageFile {
    const descriptor = openSync(path, 'r')
    return new ImageFile(descriptor, fstatSync(descriptor).size)
  }

  /** Gone when it is closed, however the process ends. */
  static temporary(path: string): ImageFile {
    const descriptor = openSync(path, 'w+', FILE_MODE)
    unlinkSync(path)
    return new ImageFile(descriptor, 0)
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  read(target: Bytes, position: number): number {
    const end = Math.min(target.length, Math.max(0, this.#sizeBytes - position))
    let at = 0
    while (at < end) {
      const count = readSync(this.#descriptor, target, at, end - at, position + at)
      if (count === 0) break
      at += count
    }
    return at
  }

  write(bytes: Bytes, start: number, end: number, position: number): void {
    for (let at = start; at < end;) at += writeSync(this.#descriptor, bytes, at, end - at, position + at - start)
    this.#sizeBytes = Math.max(this.#sizeBytes, position + end - start)
  }

  /** Bytes from here on are not part of the image. */
  cutOff(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
