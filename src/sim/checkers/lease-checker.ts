/**
 * The life of every lease: it ends no earlier than its last acknowledged renewal and its TTL, and no later than that,
 * one election timeout and a second, not counting the time in which the cluster was disturbed.
 */

/** Times at which something disturbed the cluster, for the upper bound. */
export class Disturbances {
  readonly #spans: { from: number; until: number }[] = []

  /** Spans may overlap; they come in the order of their beginnings. */
  add(fromMs: number, untilMs: number): void {
    const last = this.#spans.at(-1)
    if (last !== undefined && fromMs <= last.until) last.until = Math.max(last.until, untilMs)
    else this.#spans.push({ from: fromMs, until: untilMs })
  }

  /** Disturbed time between two moments. */
  between(fromMs: number, untilMs: number): number {
    let sum = 0
    for (const { from, until } of this.#spans) sum += Math.max(0, Math.min(until, untilMs) - Math.max(from, fromMs))
    return sum
  }
}

export interface Renewal {
  readonly sentMs: number
  /** When the client learned that it counts; null if it never did. */
  ackMs: number | null
}

export interface LeaseLife {
  readonly name: string
  readonly leaseId: bigint
  readonly ttlMs: number
  readonly grantSentMs: number
  readonly grantAckMs: number
  readonly renewals: Renewal[]
  /** A client asked for its end. */
  revokeSentMs: number | null
  /** When a renewal was applied last, acknowledged or not: one may lie at a member for seconds first. */
  renewedMs: number | null
  /** When the key that hangs on it was first seen to be gone. */
  endedMs: number | null
}

export interface LeaseBounds {
  readonly electionTimeoutMs: number
  readonly disturbances: Disturbances
  readonly nowMs: number
}

const GRACE_MS = 1000

export function checkLease(life: LeaseLife, bounds: LeaseBounds): string | null {
  return checkNotRevived(life) ?? checkNotEarly(life) ?? checkNotLate(life, bounds)
}

function checkNotRevived({ name, renewals, endedMs }: LeaseLife): string | null {
  const revived = renewals.find(({ sentMs, ackMs }) => ackMs !== null && endedMs !== null && sentMs > endedMs)
  if (revived === undefined) return null
  return `${name} was renewed at ${revived.sentMs.toFixed(1)} and had ended at ${endedMs?.toFixed(1)}`
}

/** The latest moment from which its time may count. */
export function lastRenewalMs({ grantAckMs, renewals, renewedMs }: LeaseLife): number {
  // A renewal that nobody acknowledged counts all the same.
  return renewals.reduce((last, { ackMs }) => Math.max(last, ackMs ?? 0), Math.max(grantAckMs, renewedMs ?? 0))
}

function checkNotEarly(life: LeaseLife): string | null {
  const { endedMs, revokeSentMs } = life
  if (endedMs === null || (revokeSentMs !== null && revokeSentMs <= endedMs)) return null
  let fromMs = life.grantSentMs
  // The server counts from some moment between the question and the answer.
  for (const { sentMs, ackMs } of life.renewals) if (ackMs !== null) fromMs = Math.max(fromMs, sentMs)
  if (endedMs >= fromMs + life.ttlMs) return null
  return `${life.name} ended at ${endedMs.toFixed(1)}, ${(fromMs + life.ttlMs - endedMs).toFixed(1)} ms too early: ` +
    `it was renewed at ${fromMs.toFixed(1)} for ${life.ttlMs} ms`
}

function checkNotLate(life: LeaseLife, { electionTimeoutMs, disturbances, nowMs }: LeaseBounds): string | null {
  const fromMs = lastRenewalMs(life)
  const untilMs = life.endedMs ?? nowMs
  const allowedMs = life.ttlMs + electionTimeoutMs + GRACE_MS + disturbances.between(fromMs, untilMs)
  if (untilMs - fromMs <= allowedMs) return null
  const state = life.endedMs === null ? `is still there at ${nowMs.toFixed(1)}` : `ended at ${untilMs.toFixed(1)}`
  return `${life.name} ${state}, ${(untilMs - fromMs - allowedMs).toFixed(1)} ms too late: it was last renewed at ` +
    `${fromMs.toFixed(1)} for ${life.ttlMs} ms`
}
