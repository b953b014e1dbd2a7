/** `--flags "--stage-clocks=off"` means what it says, although the value begins like a flag of ours. */

export function joinedArguments(words: readonly string[], names: readonly string[]): string[] {
  const joined: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    const next = words[i + 1]
    if (names.includes(word) && next !== undefined) {
      joined.push(`${word}=${next}`)
      i++
    } else joined.push(word)
  }
  return joined
}
