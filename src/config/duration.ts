/** Durations as etcd's flags take them: `300ms`, `1.5h`, `1h30m`; a bare `0` is allowed. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  'µs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y

/** Milliseconds, or null if `text` is no duration. */
export function parseDurationMs(text: string): number | null {
  const negative = text.startsWith('-')
  const body = negative || text.startsWith('+') ? text.slice(1) : text
  if (body === '0') return 0
  let at = 0
  let totalMs = 0
  while (at < body.length) {
    PART.lastIndex = at
    const match = PART.exec(body)
    if (match === null) return null
    totalMs += Number(match[1]) * (UNIT_MS[match[2] as string] as number)
    at = PART.lastIndex
  }
  if (body.length === 0) return null
  return negative ? -totalMs : totalMs
}
