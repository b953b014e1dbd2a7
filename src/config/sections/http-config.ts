/** HTTP beside gRPC: who may ask, and what is served. */

import type { OptionReader } from '../option-values.js'

export interface HttpConfig {
  /** `*` in the list is everyone. */
  readonly corsOrigins: readonly string[]
  readonly hostWhitelist: readonly string[]
  readonly grpcGateway: boolean
  readonly pprof: boolean
  readonly metrics: 'basic' | 'extensive'
}

export function concludeHttp(options: OptionReader): HttpConfig {
  return {
    corsOrigins: everyoneUnless(options.list('cors')),
    hostWhitelist: everyoneUnless(options.list('host-whitelist')),
    grpcGateway: options.isTrue('enable-grpc-gateway'),
    pprof: options.isTrue('enable-pprof'),
    metrics: options.text('metrics') === 'extensive' ? 'extensive' : 'basic',
  }
}

/** An empty list names nobody, and etcd takes it for everyone. */
function everyoneUnless(names: readonly string[]): readonly string[] {
  return names.length === 0 ? ['*'] : names
}
