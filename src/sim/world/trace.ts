/**
 * What happened, one line per event. A hash of all lines' facts is always kept, so that two runs can be compared; the
 * lines themselves only when somebody wants them: a failure is run again with them.
 */

const LINES_MAX = 2_000_000

export class Trace {
  readonly #keeps: boolean
  readonly #lines: string[] = []
  #low = 0x811c9dc5
  #high = 0x9747b28c
  events = 0

  constructor(keeps: boolean) {
    this.#keeps = keeps
  }

  get keeps(): boolean {
    return this.#keeps
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Of everything up to here. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  /** Something with a text of its own, which is made only if it is kept. */
  event(atMs: number, who: string, what: () => string): void {
    this.events++
    this.#mix(Math.round(atMs * 1000) >>> 0)
    for (let i = 0; i < who.length; i++) this.#mix(who.charCodeAt(i))
    if (this.#keeps && this.#lines.length < LINES_MAX) this.#lines.push(`${stamp(atMs)} ${who.padEnd(10)} ${what()}`)
  }

  /** Something that happens too often for a text: two numbers stand for it. */
  tally(atMs: number, a: number, b: number): void {
    this.events++
    this.#mix(Math.round(atMs * 1000) >>> 0)
    this.#mix(a)
    this.#mix(b)
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193) >>> 0
    this.#high = (Math.imul(this.#high ^ (value + (this.#low >>> 7)), 0x85ebca6b) ^ (this.#high >>> 13)) >>> 0
  }
}

function stamp(atMs: number): string {
  return (atMs / 1000).toFixed(6).padStart(11)
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
