/**
 * Differences between etcd and raftring that are meant: rows of a file with the title of what was asked, both answers
 * and the reason. Any other fails, and so does a listed one that is gone.
 */

import { readFileSync } from 'node:fs'
import type { Report } from '../../support/report.js'

interface Listed {
  /** Null where it depends on time. */
  readonly etcd: string | null
  readonly ours: string
}

/** With `--print` a row is printed for each difference that is not listed. */
const PRINTS = process.argv.includes('--print')

export class ListedDifferences {
  readonly #rows: ReadonlyMap<string, Listed>
  readonly #unused: Set<string>
  readonly #isJson: boolean

  private constructor(rows: ReadonlyMap<string, Listed>, isJson: boolean) {
    this.#rows = rows
    this.#unused = new Set(rows.keys())
    this.#isJson = isJson
  }

  /** Without a path nothing is listed. `isJson`: answers are JSON texts, or null. */
  static read(path: string | null, isJson = false): ListedDifferences {
    if (path === null) return new ListedDifferences(new Map(), isJson)
    const cell = (text: string): string | null => (isJson ? (JSON.parse(text) as string | null) : text)
    const [, ...lines] = readFileSync(path, 'utf8').split('\n')
    const rows = lines.filter((line) => line !== '').map((line) => {
      const [title = '', etcd = '', ours = '', reason = ''] = line.split('\t')
      if (reason === '') throw new Error(`${path}: a row without its reason: ${line}`)
      return [title, { etcd: cell(etcd), ours: cell(ours) ?? '' }] as const
    })
    return new ListedDifferences(new Map(rows), isJson)
  }

  judge(report: Report, title: string, etcd: string, ours: string): void {
    const row = this.#rows.get(title)
    this.#unused.delete(title)
    if (row !== undefined && (row.etcd === null || row.etcd === etcd) && row.ours === ours) {
      report.pass(`${title} (listed difference)`)
    } else if (etcd !== ours) {
      if (PRINTS) console.log(['ROW', title, this.#cell(etcd), this.#cell(ours), '?'].join('\t'))
      const listed = row === undefined ? '' : `\nlisted etcd: ${row.etcd}\nlisted ours: ${row.ours}`
      report.fail(title, `etcd: ${etcd}\nours: ${ours}${listed}`)
    } else if (row === undefined) report.pass(title)
    else report.fail(title, 'a listed difference is gone: take its row out')
  }

  /** Everything was asked. */
  end(report: Report): void {
    for (const title of this.#unused) report.fail(title, 'is listed, and nothing of that name was asked')
  }

  #cell(text: string): string {
    return this.#isJson ? JSON.stringify(text) : text
  }
}

/** The same title again gets a number. */
export class Titles {
  readonly #seen = new Map<string, number>()

  of(title: string): string {
    const count = (this.#seen.get(title) ?? 0) + 1
    this.#seen.set(title, count)
    return count === 1 ? title : `${title} #${count}`
  }
}
