/** What a call says about who makes it: a token in its metadata, or the certificate of its connection. */

import type { GrpcCall } from '../grpc/grpc-call.js'
import type { GrpcMetadata } from '../grpc/grpc-metadata.js'

const BEARER = /^Bearer /

export class Credentials {
  /** Calls of one connection mostly share their metadata. */
  readonly #tokens = new WeakMap<GrpcMetadata, { readonly token: string | null }>()

  /** Null when it names none. */
  token({ metadata }: GrpcCall): string | null {
    let known = this.#tokens.get(metadata)
    if (known === undefined) {
      const token = metadata.get('token') ?? metadata.get('authorization')?.replace(BEARER, '') ?? null
      known = { token }
      this.#tokens.set(metadata, known)
    }
    return known.token
  }

  /** The name in the certificate that the client has proved to own; empty if it has none, or a gateway asks for it. */
  certificateName(call: GrpcCall): string {
    return call.metadata.get('grpcgateway-accept') === undefined ? call.certificateName : ''
  }
}
