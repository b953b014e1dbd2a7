/** What a request's header block says, and whether it may say so (RFC 9113 sections 8.2 and 8.3). */

import type { HeaderField } from './hpack-static-table.js'

export interface RequestHead {
  readonly method: string
  readonly path: string
  readonly scheme: string
  readonly authority: string
  /** -1 when not announced. */
  readonly contentLength: number
  /** All but the pseudo fields. */
  readonly fields: readonly HeaderField[]
}

/** Lower-case tokens (section 8.2.1): no controls, no upper case, no colon, nothing above ASCII. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** No NUL, CR or LF anywhere, and no blank at either end. */
const VALUE = /^(?![ \t])[^\0\r\n]*$(?<![ \t])/
const DIGITS = /^[0-9]{1,15}$/
/** Section 8.2.2. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])
const PSEUDO_FIELDS: ReadonlySet<string> = new Set([':method', ':path', ':scheme', ':authority'])

/** Null when the request is malformed: its stream ends with PROTOCOL_ERROR. */
export function readRequestHead(all: readonly HeaderField[]): RequestHead | null {
  const pseudo = new Map<string, string>()
  let at = 0
  for (; at < all.length; at++) {
    const { name, value } = all[at] as HeaderField
    if (name.charCodeAt(0) !== 0x3a) break
    if (!PSEUDO_FIELDS.has(name) || pseudo.has(name) || !VALUE.test(value)) return null
    pseudo.set(name, value)
  }
  const method = pseudo.get(':method')
  const path = pseudo.get(':path')
  const scheme = pseudo.get(':scheme')
  if (method === undefined || path === undefined || path === '' || scheme === undefined) return null
  const fields = all.slice(at)
  const contentLength = checkFields(fields)
  if (contentLength === null) return null
  return { method, path, scheme, authority: pseudo.get(':authority') ?? '', contentLength, fields }
}

/** The announced length of the body, -1 when there is none, null when a field is not allowed. */
function checkFields(fields: readonly HeaderField[]): number | null {
  let contentLength = -1
  for (const { name, value } of fields) {
    if (!NAME.test(name) || !VALUE.test(value) || CONNECTION_FIELDS.has(name)) return null
    if (name === 'te' && value !== 'trailers') return null
    if (name !== 'content-length') continue
    if (!DIGITS.test(value)) return null
    const length = Number(value)
    if (contentLength !== -1 && contentLength !== length) return null
    contentLength = length
  }
  return contentLength
}
