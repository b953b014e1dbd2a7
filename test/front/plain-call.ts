/** A call with nobody behind it, for code that only passes calls on. */

import type { GrpcCall } from '../../src/front/grpc/grpc-call.js'
import { GrpcMetadata } from '../../src/front/grpc/grpc-metadata.js'
import { InnerCall } from '../../src/front/locks/inner-call.js'

export function plainCall(method: string): GrpcCall {
  const behalf = { metadata: new GrpcMetadata([]), certificateName: '' } as unknown as GrpcCall
  return new InnerCall({ method, behalf, nowMs: 0, onNews: () => undefined })
}
