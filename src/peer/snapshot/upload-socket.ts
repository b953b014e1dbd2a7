/**
 * Sends one image to one member. A connection that is cut, or on which nothing moves, is followed by another that goes
 * on where the first one ended; only when nothing at all arrives any more is the transfer given up. At most one chunk
 * and what a socket holds are in memory.
 */

import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.js'
import type { Bytes } from '../../base/bytes.js'
import type { Dialer } from '../streams/dial-socket.js'
import { FRAME_HEADER_BYTES, frameOf, writeFrame } from '../streams/frames.js'
import { ImageReader } from './image-file.js'
import type { ImageFacts } from './image-shelf.js'
import type { RateLimit } from './rate-limit.js'
import {
  CHUNK_BYTES, ChunkBuffer, IMAGE_FORMAT, ImageChecksum, SNAPSHOT_PATH, TRANSFER_FIELD, TransferFrame, encodeEnd,
  encodeOffer,
} from './transfer-format.js'

export interface UploadOptions {
  readonly dialer: Pick<Dialer, 'request'>
  readonly clock: Clock
  readonly pause: (ms: number) => Promise<unknown>
  /** Of all transfers together. */
  readonly rate: RateLimit
  readonly urls: readonly string[]
  readonly image: ImageFacts
  /** Encoded raftpb.Message of the image. */
  readonly message: Bytes
  /** A number that no other transfer to that member has. */
  readonly transfer: string
  readonly onBytes: (bytes: number) => void
  readonly isUnwanted: () => boolean
}

export type UploadResult = { readonly ok: true } | { readonly ok: false; readonly message: string }

/** Nothing moves on a connection for so long: another one is tried. */
const STALL_MS = 10_000
/** So long after the last byte that arrived the transfer is given up. */
const PATIENCE_MS = 30_000
const RETRY_MS = 500
const ANSWER_BYTES_MAX = 1024
/** Refusals that will not change: it is no member, or of another kind. */
const FINAL: ReadonlySet<number> = new Set([404, 410, 412])
/** The receiver syncs the whole image before it answers. */
const FINISH_MS = 120_000

interface Answer {
  readonly status: number
  readonly text: string
}

export async function upload(options: UploadOptions): Promise<UploadResult> {
  return new Upload(options).run()
}

class Upload {
  readonly #options: UploadOptions
  readonly #chunk = new ChunkBuffer()
  readonly #frame = Buffer.alloc(FRAME_HEADER_BYTES + this.#chunk.bytes.length)
  readonly #reader: ImageReader
  /** Known to have arrived. */
  #arrived = -1
  #movedMs: number
  #isRefused = false

  constructor(options: UploadOptions) {
    this.#options = options
    this.#reader = new ImageReader(options.image.path)
    this.#movedMs = options.clock.nowMs()
  }

  async run(): Promise<UploadResult> {
    const { urls, clock, pause, isUnwanted } = this.#options
    let reason = 'it has no peer URL'
    try {
      for (let attempt = 0; urls.length > 0 && !isUnwanted(); attempt++) {
        const problem = await this.#attempt(urls[attempt % urls.length] as string)
        if (problem === null) return { ok: true }
        reason = problem
        if (this.#isRefused || clock.nowMs() >= this.#movedMs + PATIENCE_MS) break
        await pause(RETRY_MS)
      }
      return { ok: false, message: reason }
    } finally {
      this.#reader.close()
    }
  }

  /** Null once the member has the image, or what was in the way. */
  async #attempt(url: string): Promise<string | null> {
    try {
      const asked = await this.#ask(url)
      if (asked.status !== 200) return this.#refusal(asked)
      const offset = Number(asked.text)
      if (!Number.isSafeInteger(offset) || offset < 0 || offset > this.#options.image.sizeBytes) {
        return `it has ${asked.text} bytes of the image`
      }
      if (offset > this.#arrived) this.#movedMs = this.#options.clock.nowMs()
      this.#arrived = offset
      const answer = await this.#post(url, offset)
      return answer.status === 204 ? null : this.#refusal(answer)
    } catch (error) {
      return (error as Error).message
    }
  }

  #refusal({ status, text }: Answer): string {
    this.#isRefused = FINAL.has(status)
    return `${status} ${text}`
  }

  async #ask(url: string): Promise<Answer> {
    const request = this.#request(url, 'GET')
    request.setTimeout(STALL_MS, () => request.destroy(new Error(`no answer within ${STALL_MS} ms`)))
    const answer = answerOf(request)
    request.end()
    return answer
  }

  #request(url: string, method: string): ClientRequest {
    const { dialer, transfer } = this.#options
    return dialer.request(url, method, SNAPSHOT_PATH, { [TRANSFER_FIELD]: transfer })
  }

  async #post(url: string, offset: number): Promise<Answer> {
    const request = this.#request(url, 'POST')
    request.setTimeout(STALL_MS, () => request.destroy(new Error(`nothing moves for ${STALL_MS} ms`)))
    let early: Answer | null = null
    const answer = answerOf(request)
    answer.then(
      (given) => {
        early = given
        request.emit('drain')
      },
      () => request.emit('drain'),
    )
    if (await this.#body(request, offset, () => early !== null || request.destroyed)) {
      request.setTimeout(FINISH_MS)
      request.end()
    }
    try {
      return await answer
    } finally {
      request.destroy()
    }
  }

  /** False when it was ended by an answer, or by the end of the connection. */
  async #body(request: ClientRequest, offset: number, isOver: () => boolean): Promise<boolean> {
    const { image, message, onBytes, isUnwanted } = this.#options
    const { sizeBytes: imageBytes, pageBytes } = image
    const checksum = new ImageChecksum()
    request.write(frameOf(TransferFrame.offer, encodeOffer({ format: IMAGE_FORMAT, pageBytes, imageBytes, message })))
    for (let at = 0; at < imageBytes; at += CHUNK_BYTES) {
      const length = this.#makeFrame(at, Math.min(CHUNK_BYTES, imageBytes - at), checksum)
      // What is there already is read again for its checksum alone.
      if (at < offset) continue
      await this.#wait(length)
      if (isOver()) return false
      if (isUnwanted()) {
        request.destroy(new Error('the transfer is not wanted any more'))
        return false
      }
      await writeWhole(request, this.#frame.subarray(0, length), isOver)
      onBytes(length)
    }
    if (isOver()) return false
    request.write(frameOf(TransferFrame.end, encodeEnd(checksum.value)))
    return true
  }

  #makeFrame(offset: number, length: number, checksum: ImageChecksum): number {
    this.#reader.read(this.#chunk.data, offset, length)
    const end = writeFrame(this.#frame, 0, TransferFrame.chunk, this.#chunk.body(offset, length))
    checksum.add(this.#frame.readUInt32LE(FRAME_HEADER_BYTES - 4))
    return end
  }

  async #wait(bytes: number): Promise<void> {
    const { rate, clock, pause } = this.#options
    const waitMs = rate.take(bytes, clock.nowMs())
    if (waitMs >= 1) await pause(waitMs)
  }
}

/** Resolves when the socket has taken it: the buffer is free again then. */
async function writeWhole(request: ClientRequest, bytes: Buffer, isOver: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      request.removeListener('drain', onDrain)
      request.removeListener('close', done)
      resolve()
    }
    // An answer that comes early is told as a drain.
    const onDrain = (): void => {
      if (isOver()) done()
    }
    request.on('drain', onDrain)
    request.on('close', done)
    request.write(bytes, done)
  })
}

async function answerOf(request: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('close', () => reject(new Error('the connection was closed')))
    request.on('response', (response: IncomingMessage) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        if (text.length < ANSWER_BYTES_MAX) text += String(chunk)
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
    })
  })
}
