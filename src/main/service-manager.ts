/**
 * Tells systemd when clients are served, as a unit of type notify expects it. Node.js has no Unix datagram sockets, so
 * the message goes through systemd's own program; the unit therefore needs NotifyAccess=all.
 */

import { execFile } from 'node:child_process'

const PROGRAM = 'systemd-notify'
const NOTIFY_MS_MAX = 10_000

/** Resolves with what went wrong, or null: also where nobody wants to be told. */
export function tellServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  message: readonly string[],
): Promise<string | null> {
  if ((environment['NOTIFY_SOCKET'] ?? '') === '') return Promise.resolve(null)
  return new Promise((resolve) => {
    const options = { timeout: NOTIFY_MS_MAX, env: { ...environment } }
    execFile(PROGRAM, message, options, (error, _, stderr) => {
      if (error === null) resolve(null)
      else resolve(error.code === 'ENOENT' ? `there is no ${PROGRAM}` : stderr.trim() || error.message)
    })
  })
}
