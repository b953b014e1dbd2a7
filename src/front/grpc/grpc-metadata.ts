/** The header fields that a client sent with its call. */

import type { HeaderField } from '../http2/hpack-static-table.js'

/**
 * One object for all calls of a connection whose fields are the same, so that what was made of them can be kept beside
 * it in a WeakMap.
 */
export class GrpcMetadata {
  readonly fields: readonly HeaderField[]
  /** Where calls with these fields are counted by their client's API version; -1 before the first is. */
  versionSlot = -1

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields
  }

  /** The first value of a field, as sent: one octet per character. `name` is in lower case. */
  get(name: string): string | undefined {
    for (const field of this.fields) if (field.name === name) return field.value
    return undefined
  }
}
