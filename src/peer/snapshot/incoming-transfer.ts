/** One image as it arrives: checks what each frame says, and keeps what was checked, over any number of connections. */

import { FrameReader } from '../streams/frames.js'
import { IncomingFile, hasRoomFor } from './incoming-file.js'
import {
  IMAGE_FORMAT, ImageChecksum, TRANSFER_FRAME_BYTES_MAX, TransferFrame, decodeChunk, decodeOffer, type Offer,
} from './transfer-format.js'

/** A frame's header ends with its checksum. */
const FRAME_CHECKSUM_BYTES = 4

export interface IncomingTransferOptions {
  readonly dir: string
  readonly path: string
  readonly noFsync: boolean
  readonly pageBytes: number
  /** What is wrong with the message of an offer, or null. */
  readonly messageProblem: (message: Uint8Array) => string | null
  readonly onBytes: (bytes: number) => void
  readonly nowMs: () => number
  /** The whole file is durable; the last sync took so long. */
  readonly onSynced: (seconds: number) => void
}

/** Why a transfer cannot go on, as the answer to its request. */
export class TransferProblem extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export class IncomingTransfer {
  /** The message that raft is to hear; null before the offer. */
  message: Uint8Array | null = null
  readonly #options: IncomingTransferOptions
  #file: IncomingFile | null = null
  #offer: Offer | null = null
  /** Bytes that have arrived in order, each chunk of them checked. */
  #received = 0
  readonly #checksum = new ImageChecksum()

  constructor(options: IncomingTransferOptions) {
    this.#options = options
  }

  get receivedBytes(): number {
    return this.#received
  }

  get path(): string {
    return this.#options.path
  }

  /** Takes the body of one connection. Resolves when the image is complete, checked and synced. */
  async take(body: AsyncIterable<Buffer>): Promise<void> {
    const frames = new FrameReader(TRANSFER_FRAME_BYTES_MAX)
    let isOffered = false
    for await (const bytes of body) {
      frames.push(bytes)
      this.#options.onBytes(bytes.length)
      for (let found = frames.next(); found !== false; found = frames.next()) {
        if (found !== true) throw new TransferProblem(400, found)
        if (isOffered && frames.kind === TransferFrame.end) {
          this.#checkEnd(frames)
          await this.#finish()
          return
        }
        if (isOffered) await this.#takeChunk(frames)
        else this.#takeOffer(frames)
        isOffered = true
        frames.take()
      }
    }
    throw new TransferProblem(400, 'the image is cut off')
  }

  async drop(): Promise<void> {
    await this.#file?.drop()
  }

  async #finish(): Promise<void> {
    const { nowMs, onSynced } = this.#options
    const startMs = nowMs()
    await (this.#file as IncomingFile).finish()
    onSynced((nowMs() - startMs) / 1000)
  }

  #takeOffer({ kind, bytes, start, end }: FrameReader): void {
    const { dir, path, noFsync, pageBytes, messageProblem } = this.#options
    const offer = kind === TransferFrame.offer ? decodeOffer(bytes, start, end) : null
    if (offer === null) throw new TransferProblem(400, 'no offer of an image')
    if (offer.format !== IMAGE_FORMAT || offer.pageBytes !== pageBytes) {
      throw new TransferProblem(412, `an image of format ${offer.format} with pages of ${offer.pageBytes} bytes`)
    }
    const problem = messageProblem(offer.message)
    if (problem !== null) throw new TransferProblem(400, problem)
    if (this.#offer !== null) {
      if (this.#offer.imageBytes !== offer.imageBytes) throw new TransferProblem(409, 'another image than before')
      return
    }
    if (!hasRoomFor(dir, offer.imageBytes)) {
      throw new TransferProblem(507, `no space for an image of ${offer.imageBytes} bytes`)
    }
    this.message = Uint8Array.from(offer.message)
    this.#offer = { ...offer, message: this.message }
    this.#file = new IncomingFile(path, noFsync)
  }

  async #takeChunk({ kind, bytes, start, end }: FrameReader): Promise<void> {
    const { imageBytes } = this.#offer as Offer
    const chunk = kind === TransferFrame.chunk ? decodeChunk(bytes, start, end, imageBytes) : null
    if (chunk === null) throw new TransferProblem(400, 'no chunk of the image')
    const { offset, data } = chunk
    if (offset !== this.#received) {
      throw new TransferProblem(409, `a chunk at ${offset}, where ${this.#received} is next`)
    }
    const frameChecksum = bytes.readUInt32LE(start - FRAME_CHECKSUM_BYTES)
    await (this.#file as IncomingFile).write(data, offset)
    this.#checksum.add(frameChecksum)
    this.#received += data.length
  }

  #checkEnd({ bytes, start, end }: FrameReader): void {
    const { imageBytes } = this.#offer as Offer
    if (this.#received !== imageBytes) {
      throw new TransferProblem(409, `the end of the image after ${this.#received} of ${imageBytes} bytes`)
    }
    if (end - start !== 4 || bytes.readUInt32LE(start) !== this.#checksum.value) {
      throw new TransferProblem(422, 'the image does not have the checksum that it should have')
    }
  }
}
