/** A service with one method for each shape of call, so that transports can be tried with real clients. */

import type { GrpcCall, GrpcService } from '../../../../src/front/grpc/grpc-call.js'
import { grpcStatus } from '../../../../src/proto/grpc-status.js'

export const ECHO = '/echo.Echo/'

/** One large answer that is being written. */
interface BigAnswer {
  readonly total: number
  written: number
}

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/**
 *   Unary    answers with the request          Stream   answers every message, ends with the client
 *   Hang     never answers                     Fail     '<code> <text>' ends the call so
 *   Big      '<octets>': one message that long, written in chunks
 *   Headers  headers at once, then nothing     Metadata the value of the field that the request names
 */
export class EchoService implements GrpcService {
  readonly cancelled: string[] = []
  readonly halfClosed: string[] = []
  readonly started: GrpcCall[] = []
  /** The most that any call had queued while its writer obeyed `wantsWritable`. */
  queuedBytesHighest = 0
  writableCount = 0

  onCallStart(call: GrpcCall): void {
    this.started.push(call)
    const name = call.method.slice(ECHO.length)
    if (!call.method.startsWith(ECHO) || !METHODS.has(name)) {
      call.finish(grpcStatus.unimplemented, `unknown method ${call.method}`)
    } else if (name === 'Headers') {
      call.sendHeaders()
    }
  }

  onMessage(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    switch (call.method.slice(ECHO.length)) {
      case 'Unary':
        call.context = Buffer.from(bytes.subarray(start, end))
        return
      case 'Stream':
        return echo(call, bytes, start, end)
      case 'Fail': {
        const text = bytes.toString('utf8', start, end)
        const space = text.indexOf(' ')
        return call.finish(Number(text.slice(0, space)), text.slice(space + 1))
      }
      case 'Big':
        call.context = { total: Number(bytes.toString('latin1', start, end)), written: -1 }
        return this.#writeBig(call)
      case 'Metadata': {
        const value = call.metadata.get(bytes.toString('latin1', start, end))
        call.sendMessage(Buffer.from(value ?? '(none)', 'latin1'))
        return call.finish(grpcStatus.ok, '')
      }
      default:
        return
    }
  }

  onHalfClose(call: GrpcCall): void {
    this.halfClosed.push(call.method)
    const name = call.method.slice(ECHO.length)
    if (name === 'Unary') {
      const message = call.context as Buffer | null
      if (message === null) return call.finish(grpcStatus.internal, 'no message')
      echo(call, message, 0, message.length)
      call.finish(grpcStatus.ok, '')
    } else if (name === 'Stream') {
      call.finish(grpcStatus.ok, '')
    }
  }

  onCancel(call: GrpcCall): void {
    this.cancelled.push(call.method)
  }

  onWritable(call: GrpcCall): void {
    this.writableCount++
    if (call.method === `${ECHO}Big`) this.#writeBig(call)
  }

  #writeBig(call: GrpcCall): void {
    const answer = call.context as BigAnswer
    if (answer.written < 0) {
      answer.written = 0
      call.startStreamedMessage(answer.total)
    }
    while (answer.written < answer.total && !call.wantsWritable && !call.isOver) {
      const part = Math.min(CHUNK.length, answer.total - answer.written)
      call.writeChunk(CHUNK, 0, part)
      answer.written += part
      this.queuedBytesHighest = Math.max(this.queuedBytesHighest, call.queuedBytes)
    }
    if (answer.written === answer.total) call.finish(grpcStatus.ok, '')
  }
}

const METHODS: ReadonlySet<string> = new Set(['Unary', 'Stream', 'Hang', 'Fail', 'Big', 'Headers', 'Metadata'])

function echo(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
  const length = end - start
  const at = call.reserveMessage(length)
  if (at < 0) return call.sendMessage(bytes, start, end)
  bytes.copy(call.output, at, start, end)
}
