/**
 * One HTTP request and its answer, whichever way they travel: HTTP/1.1, HTTP/2 or a WebSocket. Pages and the JSON
 * gateway know this and nothing below it.
 *
 *   respond                          a whole answer
 *   start, write ... write, end      an answer of unknown length
 *
 * On an exchange that is closed, sending does nothing: the client may have gone between the question and the answer.
 */

/** Who listens to the request's body. Told nothing more after `onClosed`. */
export interface BodyReader {
  /** Dead when the call returns. */
  onData(chunk: Buffer): void
  onEnd(): void
  /** So much memory the exchange holds of a message that has not come whole; 0 when it holds none. */
  onHeld(bytes: number): void
  /** In place of `onData` and `onEnd`, when all of it has come in one piece. Dead when the call returns. */
  onWhole(body: Buffer): void
  /** The client has gone before the answer was whole. */
  onClosed(): void
  /** What was written has left so far that more may be written. */
  onWritable(): void
}

export interface HttpExchange {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  /** The host, with its port if it was named, that the client believes to talk to. */
  readonly authority: string
  readonly isEncrypted: boolean
  /** The common name of the client's certificate, which was verified; empty without one. */
  readonly certificateName: string
  /** The body comes in messages, each a whole JSON value, and has no end while the client may say more. */
  readonly isMessageFramed: boolean
  /** The answer is whole, or the client has gone. */
  readonly isClosed: boolean
  /** True from a `write` that filled the queue to `onWritable`. */
  readonly isFull: boolean
  /** Octets of the answer that the client has not taken. */
  readonly queuedBytes: number

  /** The values of a header field joined with commas; `name` is in lower case. */
  header(name: string): string | undefined
  /** Every header field, name before value, as they came. */
  headerFields(): readonly string[]
  /** Adds fields to the answer, name before value. Before it has begun. */
  addHeaders(fields: readonly string[]): void
  /** This is the last request that the client may send on its connection. */
  closeAfter(): void
  /** Without a reader the body is dropped. */
  readBody(reader: BodyReader): void
  respond(status: number, contentType: string, body: Buffer | string): void
  start(status: number, contentType: string): void
  /** Copies nothing: `bytes` belongs to the exchange from now on. */
  write(bytes: Buffer): void
  end(): void
  /** Cuts the answer where it is, so that the client sees that it is not whole. */
  destroy(): void
}

export const TEXT_PLAIN = 'text/plain; charset=utf-8'
/** For an answer without content. */
export const NO_CONTENT_TYPE = ''

/** The path of a target, decoded; null when it is not encoded as it should be. */
export function pathOf(target: string): string | null {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}

/** The parameters of a target's query. */
export function queryOf(target: string): URLSearchParams {
  const query = target.indexOf('?')
  return new URLSearchParams(query < 0 ? '' : target.slice(query + 1))
}
