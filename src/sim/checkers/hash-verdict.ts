/** What members said when they were asked for the hash of their key space: all must have told the same one. */

export interface HashAnswer {
  readonly member: string
  /** Null: it told no hash, `text` says why. */
  readonly hash: number | null
  readonly revision: number
  readonly compactRevision: number
  readonly text: string
}

/** What is wrong, or null. */
export function hashProblem(answers: readonly HashAnswer[]): string | null {
  const silent = answers.find(({ hash }) => hash === null)
  if (silent !== undefined) return `${silent.member} does not tell its hash: ${silent.text}`
  const told = answers.map(({ hash, revision, compactRevision }) =>
    `hash ${hash} of revision ${revision}, compacted to ${compactRevision}`)
  if (new Set(told).size <= 1) return null
  return `members differ: ${answers.map(({ member }, at) => `${member} ${told[at]}`).join('; ')}`
}
