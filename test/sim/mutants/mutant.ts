/** One known bug, put back into what was built. */

export interface Mutant {
  readonly name: string
  /** The bug, and where it is known from. */
  readonly story: string
  /** Below dist/src. */
  readonly file: string
  /** Must be there exactly once, as it was built. */
  readonly find: string
  readonly replace: string
}

/** The text with the bug. Throws when the place for it has gone: then the mutant has to be written anew. */
export function mutate({ name, file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find)
  if (parts.length !== 2) {
    throw new Error(`mutant ${name}: its place is ${parts.length - 1} times in ${file}:\n${find}`)
  }
  return parts.join(replace)
}
