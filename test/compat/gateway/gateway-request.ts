/** What is asked of two gateways, and what of their answers can be compared. */

export interface GatewayQuestion {
  readonly path: string
  /** JSON as it goes over the wire. */
  readonly body?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A stream: so many lines are read, then it is left. */
  readonly lines?: number
  /** Fields, anywhere in the answer, whose values are each server's own. */
  readonly mask?: readonly string[]
  /** The message of a refusal is the decoder's own text. */
  readonly isDecoderText?: boolean
  /** Only which fields there are is compared, over all lines. */
  readonly namesOnly?: boolean
  /** Keeps the token of the answer; `{TOKEN}` in later headers stands for it. */
  readonly keepsToken?: boolean
}

/** `{F1}` in a title tells a question from another with the same path and body. */
export function titleOf(question: GatewayQuestion): string {
  const { path, body = '', method = 'POST', headers } = question
  const fields = headers === undefined ? '' : ` ${JSON.stringify(headers)}`
  const shown = body.length > 160 ? `${body.slice(0, 160)}... (${body.length})` : body
  return `${method} ${path}${fields} ${JSON.stringify(shown)}`
}

const TIMEOUT_MS = 10_000

export class GatewayAsker {
  readonly #port: number
  #token = ''

  constructor(port: number) {
    this.#port = port
  }

  /** Status, content type and body in one line of text. */
  async ask(question: GatewayQuestion): Promise<string> {
    const left = new AbortController()
    const timer = setTimeout(() => left.abort(new Error('no answer in time')), TIMEOUT_MS)
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}${question.path}`, this.#requestOf(question, left))
      const text = question.lines === undefined ? await response.text() : await readLines(response, question.lines)
      if (question.lines !== undefined) left.abort()
      if (question.keepsToken === true) this.#token = (JSON.parse(text) as { readonly token: string }).token
      const type = response.headers.get('content-type') ?? 'no content type'
      return `${response.status} ${type} ${this.#reduce(question, text)}`
    } catch (error) {
      return `no answer: ${(error as Error).message}`
    } finally {
      clearTimeout(timer)
    }
  }

  #requestOf(question: GatewayQuestion, left: AbortController): RequestInit {
    const { body, method = 'POST', headers = {} } = question
    const filled = Object.entries(headers).map(([name, value]) => [name, value.replace('{TOKEN}', this.#token)])
    return {
      method,
      headers: Object.fromEntries(filled) as Record<string, string>,
      signal: left.signal,
      ...(body === undefined || method === 'GET' || method === 'HEAD' ? {} : { body }),
    }
  }

  #reduce(question: GatewayQuestion, text: string): string {
    const lines = text.split('\n').filter((line) => line !== '').map((line) => {
      try {
        return JSON.parse(line) as unknown
      } catch {
        return line.trim()
      }
    })
    if (question.namesOnly === true) return JSON.stringify([...new Set(lines.flatMap(namesOf))].toSorted())
    return lines.map((line) => JSON.stringify(this.#normal(question, line))).join(' ')
  }

  #normal(question: GatewayQuestion, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((element) => this.#normal(question, element))
    if (typeof value === 'string') return value.replaceAll(`${this.#port}`, 'PORT')
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.entries(value as Record<string, unknown>)
    return Object.fromEntries(
      fields
        // Until 3.5 the gateway repeated the message under this name.
        .filter(([name, field]) => name !== 'error' || field !== (value as Record<string, unknown>)['message'])
        .map(([name, field]): [string, unknown] => {
          if (question.mask?.includes(name) === true) return [name, 'MASKED']
          if (name === 'message' && question.isDecoderText === true) return [name, 'DECODER TEXT']
          return [name, this.#normal(question, field)]
        })
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
}

async function readLines(response: Response, count: number): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    const lines = text.split('\n')
    if (lines.length > count) return lines.slice(0, count).join('\n')
  }
  return text
}

function namesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, field]) => [name, ...namesOf(field).map((inner) => `${name}.${inner}`)])
}
