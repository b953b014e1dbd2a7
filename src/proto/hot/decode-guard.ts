/** What views share: malformed bytes are an answer to them, any other failure is a broken invariant. */

import { ProtoError } from '../proto-error.js'

/** For the `catch` of a view's decode: swallows nothing but what a decoder says about its input. */
export function malformed(error: unknown): false {
  if (error instanceof ProtoError) return false
  throw error
}
