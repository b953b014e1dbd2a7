/** How a run can go wrong, and the exit code that says so. */

export type FailureKind = 'crash' | 'liveness' | 'correctness'

export const EXIT_CODES: Readonly<Record<FailureKind, number>> = Object.freeze({
  crash: 127,
  liveness: 128,
  correctness: 129,
})

export interface Failure {
  readonly kind: FailureKind
  readonly message: string
  readonly atMs: number
}

/** Thrown by a simulated device: the machine has lost its power in the middle of what it did. */
export class PowerCut extends Error {
  constructor() {
    super('the power is gone')
  }
}

/** Thrown by a simulated device: a failure after which the real process ends as well. */
export class DeviceFailure extends Error {
  readonly code = 'EIO'
}
