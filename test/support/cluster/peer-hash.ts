/** Asks a member on its port for members for the hash of its keys, as other members do. */

import { request } from 'node:http'

export interface PeerHashAnswer {
  readonly status: number
  readonly contentType: string
  readonly allow: string
  readonly body: string
}

export interface PeerHashQuestion {
  readonly body: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** `fetch` sends no body with GET. */
export function askPeerHash(url: string, question: PeerHashQuestion): Promise<PeerHashAnswer> {
  const { body, method = 'GET', headers = {} } = question
  return new Promise((resolve, reject) => {
    const fields = { ...headers, 'Content-Length': Buffer.byteLength(body) }
    const sent = request(`${url}/members/hashkv`, { method, headers: fields }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({
        status: response.statusCode ?? 0,
        contentType: response.headers['content-type'] ?? '',
        allow: response.headers.allow ?? '',
        body: Buffer.concat(parts).toString('utf8'),
      }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
