/** Whether every member has come back after the last fault: it is up, has all that the log holds, and serves. */

export interface SettlingMember {
  readonly name: string
  /** Nobody waits for it any more. */
  readonly isLost: boolean
  /** Its client ports are open. That is the last step of a start, and needs an entry of its own. */
  readonly isServing: boolean
  readonly appliedIndex: number
}

/** What is still to be waited for, or null. */
export function unsettledMember(members: readonly SettlingMember[], lastIndex: number): string | null {
  for (const { name, isLost, isServing, appliedIndex } of members) {
    if (isLost) continue
    if (appliedIndex < lastIndex) return `${name} has applied ${appliedIndex} of ${lastIndex}`
    if (!isServing) return `${name} has applied all and serves no clients`
  }
  return null
}
