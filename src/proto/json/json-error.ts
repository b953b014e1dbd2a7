/** Why text is not the JSON of a message: all that the JSON reader throws on what a client sent. */

export class JsonError extends Error {
  override readonly name = 'JsonError'
}
