/**
 * Command lines as Go's flag package reads them, because that is what scripts for etcd are written for: one dash or
 * two, `=` or a space, truth values that never take the next word, and an end at the first word that is no flag.
 */

export type GoArguments =
  | { readonly ok: true; readonly flags: readonly GoFlag[]; readonly rest: readonly string[] }
  | { readonly ok: false; readonly message: string }

export interface GoFlag {
  readonly name: string
  /** Null when a flag that may stand alone did. */
  readonly value: string | null
}

/** What a flag needs: a value, perhaps one after `=`, or nothing because it does not exist. */
export type GoFlagKind = 'value' | 'bare' | 'unknown'

/** Reads up to the first flag that does not exist, which is then the last one of the answer. */
export function readGoArguments(words: readonly string[], kindOf: (name: string) => GoFlagKind): GoArguments {
  const flags: GoFlag[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--') return { ok: true, flags, rest: words.slice(at + 1) }
    if (!word.startsWith('-') || word === '-') return { ok: true, flags, rest: words.slice(at) }
    const body = word.slice(word.startsWith('--') ? 2 : 1)
    const equals = body.indexOf('=')
    const name = equals < 0 ? body : body.slice(0, equals)
    if (name === '' || name.startsWith('-')) return { ok: false, message: `bad flag syntax: ${word}` }
    const kind = kindOf(name)
    if (equals >= 0) flags.push({ name, value: body.slice(equals + 1) })
    else if (kind !== 'value') flags.push({ name, value: null })
    else if (at + 1 < words.length) flags.push({ name, value: words[++at] as string })
    else return { ok: false, message: `flag needs an argument: --${name}` }
    if (kind === 'unknown') return { ok: true, flags, rest: [] }
  }
  return { ok: true, flags, rest: [] }
}
