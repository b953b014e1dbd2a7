/** Counts what a check script proved and ends it with `N passed, N failed`. */

import { inspect } from 'node:util'

export class Report {
  #passed = 0
  #failed = 0
  readonly #only: RegExp | undefined

  /** `ONLY=<regular expression>` in the environment runs the checks whose title matches. */
  constructor(only = process.env['ONLY']) {
    this.#only = only === undefined || only === '' ? undefined : new RegExp(only, 'u')
  }

  get failed(): number {
    return this.#failed
  }

  pass(title: string): void {
    this.#passed++
    if (process.env['VERBOSE'] !== undefined) console.log(`ok      ${title}`)
  }

  fail(title: string, why: unknown): void {
    this.#failed++
    console.log(`FAILED  ${title}\n${indent(textOf(why))}`)
  }

  /** Runs one check; what it throws is its failure. */
  async check(title: string, body: () => Promise<void> | void): Promise<void> {
    if (this.#only !== undefined && !this.#only.test(title)) return
    try {
      await body()
      this.pass(title)
    } catch (error) {
      this.fail(title, error)
    }
  }

  /** Prints the closing line and sets the exit code. */
  end(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed`)
    process.exitCode = this.#failed === 0 ? 0 : 1
  }
}

function textOf(why: unknown): string {
  if (!(why instanceof Error)) return typeof why === 'string' ? why : inspect(why)
  const where = (why.stack ?? '')
    .split('\n')
    .filter((line) => /dist\/test/u.test(line))
    .slice(0, 3)
  return [why.message, ...where.map((line) => line.trim())].join('\n')
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n')
}
