/**
 * Lists of black-box checks that run alike from a script and under node:test, against raftring or
 * against etcd itself, which proves the checks.
 */

import type { EtcdClient } from './etcd-client.js'
import type { Report } from './report.js'
import type { ServerKind } from './server-process.js'

export interface CheckContext {
  readonly kind: ServerKind
  readonly endpoint: string
  readonly client: EtcdClient
  /** A key prefix that no other check uses, ending in a slash. */
  readonly prefix: string
}

export interface CheckOptions {
  /**
   * The etcd release that began to behave so. Debian's 3.4.23 is not asked about what came after
   * it.
   */
  readonly since?: string
  /** Waits for real time to pass (a lease to expire): not for `npm test`. */
  readonly slow?: boolean
}

export interface Check extends CheckOptions {
  readonly title: string
  readonly body: (context: CheckContext) => Promise<void>
}

export class CheckSuite {
  readonly name: string
  readonly checks: Check[] = []

  constructor(name: string) {
    this.name = name
  }

  add(title: string, body: Check['body'], options: CheckOptions = {}): void {
    this.checks.push({ title, body, ...options })
  }
}

export type Server = Omit<CheckContext, 'prefix'>

/** Runs every check of the suites in order; one server serves them all. */
export async function runSuites(
  report: Report,
  server: Server,
  suites: readonly CheckSuite[],
): Promise<void> {
  let notAsked = 0
  for (const suite of suites) {
    for (const check of suite.checks) {
      if (check.since !== undefined && server.kind === 'etcd') notAsked++
      else await report.check(`${suite.name}: ${check.title}`, () => runCheck(server, check))
    }
  }
  if (notAsked > 0) console.log(`${notAsked} checks hold only for releases after 3.4: not asked`)
}

export async function runCheck(server: Server, check: Check): Promise<void> {
  await check.body({ ...server, prefix: nextPrefix() })
}

let prefixes = 0

function nextPrefix(): string {
  return `check-${String(++prefixes).padStart(4, '0')}/`
}
