/** A service that remembers what it hears and answers only when the test says so. */

import type { GrpcCall, GrpcService } from '../../../../src/front/grpc/grpc-call.js'

export class RecordingService implements GrpcService {
  readonly heard: string[] = []
  readonly calls: GrpcCall[] = []

  get last(): GrpcCall {
    const call = this.calls.at(-1)
    if (call === undefined) throw new Error('nobody has called')
    return call
  }

  onCallStart(call: GrpcCall): void {
    this.calls.push(call)
    this.heard.push(`start ${call.method}`)
  }

  onMessage(_call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    this.heard.push(`message ${bytes.toString('hex', start, end)}`)
  }

  onHalfClose(): void {
    this.heard.push('half-close')
  }

  onCancel(): void {
    this.heard.push('cancel')
  }

  onWritable(): void {
    this.heard.push('writable')
  }
}
