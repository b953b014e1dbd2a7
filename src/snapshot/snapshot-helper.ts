/** The helper thread's side of snapshot-protocol.ts. */

import { createHash } from 'node:crypto'
import { BboltWriter } from '../bbolt/bbolt-writer.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { ImageFile } from './image-file.js'
import { CHUNK_BYTES, type SnapshotJobStart, type SnapshotOrder, type SnapshotPort } from './snapshot-protocol.js'
import { visitBuckets } from './visit-buckets.js'

/** `takeOrder` looks for an order that has come while this thread was busy. */
export function runSnapshotHelper(
  start: SnapshotJobStart,
  port: SnapshotPort,
  takeOrder: () => SnapshotOrder | undefined,
): void {
  let image: ImageFile | null = null
  try {
    image = ImageFile.temporary(start.imagePath)
    if (writeImage(start, image, () => takeOrder() === 'stop')) new ImageSender(image, port).start()
    else end(image, port)
  } catch (error) {
    // The store's pages, or the disk that the image goes to: whoever asked is told, the node goes on.
    port.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    end(image, port)
  }
}

/** The one snapshot of the store that this takes is its pin: it lasts until the image is in its file. */
function writeImage({ storePath }: SnapshotJobStart, image: ImageFile, isUnwanted: () => boolean): boolean {
  const store = openLmdbStore({ path: storePath, readOnly: true })
  try {
    const view = store.beginRead()
    try {
      const writer = new BboltWriter(image)
      if (!visitBuckets({ view, visitor: writer, isUnwanted })) return false
      writer.finish()
      return true
    } finally {
      view.close()
    }
  } finally {
    store.close()
  }
}

class ImageSender {
  readonly #image: ImageFile
  readonly #port: SnapshotPort
  readonly #hash = createHash('sha256')
  #position = 0

  constructor(image: ImageFile, port: SnapshotPort) {
    this.#image = image
    this.#port = port
  }

  start(): void {
    this.#port.on('message', (order) => {
      if (order === 'stop') end(this.#image, this.#port)
      else this.#sendNext()
    })
    this.#port.postMessage({ kind: 'ready', imageBytes: this.#image.sizeBytes })
  }

  #sendNext(): void {
    const left = this.#image.sizeBytes - this.#position
    if (left === 0) {
      this.#port.postMessage({ kind: 'end', sha256: this.#hash.digest() })
      end(this.#image, this.#port)
      return
    }
    const buffer = new ArrayBuffer(Math.min(left, CHUNK_BYTES))
    const bytes = new Uint8Array(buffer)
    const count = this.#image.read(bytes, this.#position)
    if (count < bytes.length) {
      this.#port.postMessage({ kind: 'failed', message: 'the image is shorter than it was written' })
      end(this.#image, this.#port)
      return
    }
    this.#position += count
    this.#hash.update(bytes)
    this.#port.postMessage({ kind: 'chunk', bytes }, [buffer])
  }
}

function end(image: ImageFile | null, port: SnapshotPort): void {
  image?.close()
  port.close()
}
