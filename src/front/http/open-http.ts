/** Builds what a front serves over HTTP beside gRPC, for each kind of listener. */

import { GRPC_OVERHEAD_BYTES } from '../../config/limits.js'
import type { ListenerRole } from '../../config/sections/listeners.js'
import { JsonGateway } from '../gateway/json-gateway.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcService } from '../grpc/grpc-call.js'
import type { Http1Counters } from '../http1/http1-counters.js'
import { Http1Server, type HttpAnswers } from '../http1/http1-server.js'
import type { ReadPath } from '../kv/read-path.js'
import { HttpAccess } from './http-access.js'
import { HttpPages } from './http-pages.js'
import { HttpService } from './http-service.js'
import { NarrowAnswers } from './narrow-answers.js'

export interface FrontHttp {
  /** For clients, over HTTP/2 as well. */
  readonly clients: HttpService
  readonly servers: Readonly<Partial<Record<ListenerRole, Http1Server>>>
}

/** What monitors ask. */
const MONITORED = /^\/(?:metrics|health|(?:livez|readyz)(?:\/.*)?)$/

export interface OpenHttpOptions {
  readonly context: FrontContext
  readonly reads: ReadPath
  readonly service: GrpcService
  readonly isAuthEnabled: () => boolean
  readonly http1: Http1Counters
}

export function openHttp({ context, reads, service, isAuthEnabled, http1 }: OpenHttpOptions): FrontHttp {
  const { config, clock, counters, requestTurn } = context
  const messageBytesMax = config.requestBytesMax + GRPC_OVERHEAD_BYTES
  const areNamesUsers = (): boolean =>
    config.grpcGateway && config.clientTls?.clientCertAuth === true && isAuthEnabled()
  const pages = new HttpPages(context, reads)
  const clients = new HttpService({
    access: new HttpAccess({ ...config, areNamesUsers }),
    pages,
    gateway: config.grpcGateway
      ? new JsonGateway({ clock, counters, service, messageBytesMax, requestTurn })
      : null,
  })
  const serverOf = (answers: HttpAnswers): Http1Server => new Http1Server(answers, clock, http1)
  const clientServer = serverOf(clients)
  const servers = {
    client: clientServer,
    http: clientServer,
    metrics: serverOf(new NarrowAnswers((exchange, path) => MONITORED.test(path) && pages.answer(exchange, path))),
  }
  return { clients, servers }
}
