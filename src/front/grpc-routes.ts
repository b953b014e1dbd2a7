/** Which function answers which method, and the clean refusal of every other. */

import { grpcStatus } from '../proto/grpc-status.js'
import type { GrpcCall } from './grpc/grpc-call.js'

export interface UnaryRoute {
  readonly kind: 'unary'
  /** The request message. It is dead when the call returns. */
  readonly answer: (call: GrpcCall, bytes: Buffer, start: number, end: number) => void
  /** For answers that may take long: the call has ended without our doing, or by `Proposer.fail`. */
  readonly onClosed?: (call: GrpcCall) => void
  readonly onWritable?: (call: GrpcCall) => void
}

export interface StreamRoute {
  readonly kind: 'stream'
  readonly open: (call: GrpcCall) => void
  readonly onMessage: (call: GrpcCall, bytes: Buffer, start: number, end: number) => void
  readonly onHalfClose: (call: GrpcCall) => void
  /** The call has ended without the service's doing, or the service has failed it by `Proposer.fail`. */
  readonly onClosed: (call: GrpcCall) => void
  readonly onWritable: (call: GrpcCall) => void
}

export type Route = UnaryRoute | StreamRoute

export type Routes = ReadonlyMap<string, Route>

export function unary(answer: UnaryRoute['answer'], rest: Omit<UnaryRoute, 'kind' | 'answer'> = {}): UnaryRoute {
  return { kind: 'unary', answer, ...rest }
}

/** grpc-go's answer to a method that is not there; a service is known when one of its methods is. */
export function refuseUnknown(call: GrpcCall, routes: Routes): void {
  const [, service = '', method = ''] = call.method.split('/')
  const prefix = `/${service}/`
  const isServiceKnown = [...routes.keys()].some((name) => name.startsWith(prefix))
  const text = isServiceKnown ? `unknown method ${method} for service ${service}` : `unknown service ${service}`
  call.finish(grpcStatus.unimplemented, text)
}
