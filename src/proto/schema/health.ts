/** grpc.health.v1: the standard health service of gRPC servers. */

import { enumeration, field, message, protoPackage, rpc, service } from './notation.js'

export const health = protoPackage('grpc.health.v1', 'proto3',
  message('HealthCheckRequest', field('service', 1, 'string')),
  message('HealthCheckResponse', field('status', 1, 'HealthCheckResponse.ServingStatus')),
  enumeration('HealthCheckResponse.ServingStatus', {
    UNKNOWN: 0,
    SERVING: 1,
    NOT_SERVING: 2,
    SERVICE_UNKNOWN: 3,
  }),
  message('HealthListRequest'),
  message('HealthListResponse', field('statuses', 1, 'HealthCheckResponse', 'map')),
  service('Health',
    rpc('Check', 'HealthCheckRequest', 'HealthCheckResponse', 'unary'),
    rpc('Watch', 'HealthCheckRequest', 'HealthCheckResponse', 'server'),
    rpc('List', 'HealthListRequest', 'HealthListResponse', 'unary')),
)
