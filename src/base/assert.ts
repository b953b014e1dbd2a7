/** Invariant checks that stay on in production: a crash is safer than a wrong answer. */

/** A broken invariant. Whoever catches one must stop the process; nothing may be answered after it. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Stops the caller with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** As `assert`, for the common case where the message should name both values. Costs nothing when they are equal. */
export function assertEqual(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new InvariantError(`${what}: got ${actual}, expected ${expected}`)
}

/** As `assertEqual` for a number that may be larger. */
export function assertAtLeast(actual: number, least: number, what: string): void {
  if (!(actual >= least)) throw new InvariantError(`${what}: got ${actual}, expected at least ${least}`)
}

/** The `never` arm of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value ${String(value)}`)
}
