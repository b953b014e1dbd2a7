/**
 * The JSON gateway's table: which method a path stands for, and how its messages look. It comes from the schema
 * alone, so whatever method the front serves, or refuses, is there under its path at once.
 */

import { jsonShape, type MessageShape } from '../../proto/json/json-shape.js'
import { methods } from '../../proto/schema.js'
import type { Streaming } from '../../proto/schema/notation.js'

export interface GatewayRoute {
  /** '/package.Service/Method'. */
  readonly method: string
  readonly request: MessageShape
  readonly response: MessageShape
  /** `server`: one request, many answers. `both`: the body holds as many requests as the client likes. */
  readonly streaming: Streaming
}

export function gatewayRoutes(): ReadonlyMap<string, GatewayRoute> {
  const routes = new Map<string, GatewayRoute>()
  for (const { path: method, rpc, request, response } of methods.values()) {
    for (const path of rpc.gatewayPaths) {
      routes.set(path, {
        method,
        request: jsonShape(request),
        response: jsonShape(response),
        streaming: rpc.streaming,
      })
    }
  }
  return routes
}
