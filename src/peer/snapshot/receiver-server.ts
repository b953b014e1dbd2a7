/**
 * Receives leaders' images on the port for members (transfer-format.ts). What has arrived is kept while its sender
 * tries again; a whole image is handed to raft, with the message that came with it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { hexId } from '../../base/bytes.js'
import type { Clock } from '../../base/clock.js'
import type { Histogram } from '../../metrics/counters.js'
import type { Logger } from '../../metrics/logger.js'
import { PeerWord, type PeerSlot } from '../../metrics/peer-page.js'
import { MessageType, decodeMessage } from '../../proto/generated/raftpb.js'
import { ProtoError } from '../../proto/proto-error.js'
import type { Caller } from '../streams/handshake.js'
import type { PeerRoute } from '../port/peer-http-server.js'
import { IncomingTransfer, TransferProblem } from './incoming-transfer.js'
import { SNAPSHOT_PATH, TRANSFER_FIELD } from './transfer-format.js'

export interface SnapshotReceiverOptions {
  readonly memberId: bigint
  readonly dir: string
  readonly noFsync: boolean
  readonly pageBytes: number
  readonly clock: Clock
  readonly logger: Logger
  readonly slotOf: (id: bigint) => PeerSlot | undefined
  /** Null where nobody counts. */
  readonly times: { readonly save: Histogram; readonly sync: Histogram } | null
  /** The image lies in this file, and is raft's from here on. False when raft cannot be told now. */
  readonly deliver: (path: string, message: Uint8Array) => boolean
}

/** One leader sends one image; another may begin while the first still believes that it leads. */
const TRANSFERS_MAX = 2
/** A transfer that nobody goes on with is forgotten after this. */
const IDLE_MS_MAX = 60_000
/** A connection on which nothing comes for so long is dead. */
const SILENT_MS_MAX = 30_000
const NAME = /^[0-9a-f-]{1,64}$/

interface Receiving {
  readonly transfer: IncomingTransfer
  readonly from: bigint
  readonly startedMs: number
  /** The request that brings it; null while its sender has to try again. */
  request: IncomingMessage | null
  /** Another request takes over only when the one before has let go. */
  isBusy: boolean
  idleSinceMs: number
}

export class SnapshotReceiver {
  readonly routes: ReadonlyMap<string, PeerRoute>
  readonly #options: SnapshotReceiverOptions
  readonly #receiving = new Map<string, Receiving>()
  #files = 0

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options
    this.routes = new Map<string, PeerRoute>([
      [`GET ${SNAPSHOT_PATH}`, (request, response, caller) => this.#tell(request, response, caller)],
      [`POST ${SNAPSHOT_PATH}`, (request, response, caller) => void this.#receive(request, response, caller)],
    ])
  }

  /** Forgets what nobody goes on with. */
  expire(nowMs: number): void {
    for (const [name, receiving] of this.#receiving) {
      if (receiving.isBusy || nowMs < receiving.idleSinceMs + IDLE_MS_MAX) continue
      this.#fail(name, receiving, 'its sender does not go on')
    }
  }

  close(): void {
    for (const { request } of this.#receiving.values()) request?.destroy()
  }

  #tell(request: IncomingMessage, response: ServerResponse, { from }: Caller): void {
    request.resume()
    const name = nameOf(request, from)
    if (name === null) {
      answer(response, 400, 'a transfer without its number')
      return
    }
    const receiving = this.#receiving.get(name)
    // A connection that its sender has given up may not have been found dead here yet.
    receiving?.request?.destroy()
    answer(response, 200, String(receiving?.transfer.receivedBytes ?? 0))
  }

  async #receive(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const name = nameOf(request, caller.from)
    const receiving = name === null ? null : this.#open(name, caller)
    if (name === null || receiving === null || receiving.isBusy) {
      request.resume()
      answer(response, name === null ? 400 : 503, name === null ? 'a transfer without its number' : 'busy')
      return
    }
    receiving.isBusy = true
    receiving.request = request
    request.setTimeout(SILENT_MS_MAX, () => request.destroy())
    try {
      // A body that is left is still answered.
      await receiving.transfer.take(request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
      this.#deliver(name, receiving)
      answer(response, 204, '')
    } catch (error) {
      this.#onProblem(name, receiving, error as Error, response)
    } finally {
      receiving.isBusy = false
      receiving.request = null
      receiving.idleSinceMs = this.#options.clock.nowMs()
    }
  }

  #open(name: string, { from }: Caller): Receiving | null {
    const known = this.#receiving.get(name)
    if (known !== undefined) return known
    const { clock, dir, noFsync, pageBytes, slotOf, logger, times } = this.#options
    this.expire(clock.nowMs())
    this.#forgetIdle()
    if (this.#receiving.size >= TRANSFERS_MAX) return null
    const slot = slotOf(from)
    const receiving: Receiving = {
      transfer: new IncomingTransfer({
        dir, noFsync, pageBytes,
        path: join(dir, `${++this.#files}.received`),
        messageProblem: (message) => this.#messageProblem(message, from),
        onBytes: (bytes) => slot?.add(PeerWord.receivedBytes, bytes),
        nowMs: () => clock.nowMs(),
        onSynced: (seconds) => times?.sync.observe(seconds),
      }),
      from,
      startedMs: clock.nowMs(),
      request: null,
      isBusy: false,
      idleSinceMs: clock.nowMs(),
    }
    this.#receiving.set(name, receiving)
    slot?.add(PeerWord.snapshotsBeingReceived)
    logger.info('peer', 'receiving a snapshot', { 'peer-id': hexId(from) })
    return receiving
  }

  /** Room for a new transfer comes before the hope that an old one goes on. */
  #forgetIdle(): void {
    for (const [name, receiving] of this.#receiving) {
      if (this.#receiving.size < TRANSFERS_MAX) return
      if (!receiving.isBusy) this.#fail(name, receiving, 'another transfer takes its place')
    }
  }

  #deliver(name: string, { transfer, from, startedMs }: Receiving): void {
    const { deliver, slotOf, clock, logger, times } = this.#options
    if (!deliver(transfer.path, transfer.message as Uint8Array)) throw new TransferProblem(503, 'raft is busy')
    this.#receiving.delete(name)
    const slot = slotOf(from)
    const tookMs = clock.nowMs() - startedMs
    slot?.add(PeerWord.snapshotsBeingReceived, -1)
    slot?.add(PeerWord.snapshotsReceived)
    slot?.observeSnapshotReceive(tookMs / 1000)
    times?.save.observe(tookMs / 1000)
    const { receivedBytes } = transfer
    logger.info('peer', 'received a snapshot', {
      'peer-id': hexId(from), bytes: receivedBytes, tookMs: Math.round(tookMs),
    })
  }

  #onProblem(name: string, receiving: Receiving, error: Error, response: ServerResponse): void {
    const isProblem = error instanceof TransferProblem
    this.#options.logger.warn('peer', 'a snapshot is interrupted', {
      'peer-id': hexId(receiving.from), bytes: receiving.transfer.receivedBytes, reason: error.message,
    })
    // A checksum over all that does not fit cannot be mended, and so cannot a file that takes no more.
    const isHopeless = isProblem ? error.status === 422 || error.status === 412 : isFileError(error)
    if (isHopeless) this.#fail(name, receiving, error.message)
    const { request } = receiving
    if (response.destroyed || request === null) return
    answerEarly(request, response, isProblem ? error.status : 500, error.message)
  }

  #fail(name: string, { transfer, from }: Receiving, reason: string): void {
    const { slotOf, logger } = this.#options
    this.#receiving.delete(name)
    void transfer.drop()
    const slot = slotOf(from)
    slot?.add(PeerWord.snapshotsBeingReceived, -1)
    slot?.add(PeerWord.snapshotReceiveFailures)
    logger.warn('peer', 'a snapshot is given up', { 'peer-id': hexId(from), reason })
  }

  #messageProblem(bytes: Uint8Array, from: bigint): string | null {
    try {
      const message = decodeMessage(bytes)
      const isSnapshot = message.type === MessageType.MsgSnap && message.snapshot?.metadata !== undefined
      if (!isSnapshot) return 'no message of a snapshot'
      return message.to === this.#options.memberId && message.from === from ? null : 'a message for another member'
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error
      return error.message
    }
  }
}

function nameOf(request: IncomingMessage, from: bigint): string | null {
  const name = request.headers[TRANSFER_FIELD.toLowerCase()]
  return typeof name === 'string' && NAME.test(name) ? `${hexId(from)} ${name}` : null
}

/** An error of the system that the file met, not the connection. */
function isFileError(error: Error): boolean {
  const { syscall } = error as NodeJS.ErrnoException
  return syscall === 'write' || syscall === 'fsync' || syscall === 'fdatasync' || syscall === 'open'
}

/**
 * An answer before the end of the body. The connection stays until the sender has seen it and stops: to close it with
 * bytes of the body on their way would take the answer away, too.
 */
function answerEarly(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) })
  response.write(text)
  request.once('close', () => response.end())
  request.resume()
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(text)
}
