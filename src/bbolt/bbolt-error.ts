/** What is wrong with a bbolt file, for people. */

export class BboltError extends Error {
  override readonly name = 'BboltError'
}
