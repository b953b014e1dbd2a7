/** gRPC status codes, and the HTTP status the JSON gateway gives for each. */

export const grpcStatus = Object.freeze({
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const)

export type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus]

const HTTP_STATUS: readonly number[] = Object.freeze([
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
])

/** As Go's status package names a code, such as PermissionDenied. */
export function grpcStatusName(code: number): string {
  const name = Object.entries(grpcStatus).find(([, status]) => status === code)?.[0] ?? `Code(${code})`
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** 499, 400 and the like as grpc-gateway answers; 500 for a code outside the list. */
export function httpStatusOf(code: number): number {
  return HTTP_STATUS[code] ?? 500
}
