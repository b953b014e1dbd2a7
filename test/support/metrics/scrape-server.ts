/** Gets pages of a server as a monitor does. */

import { request } from 'node:http'
import { Scrape } from './prometheus-text.js'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export function getPage(
  endpoint: string,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<Page> {
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const asked = request(`http://${endpoint}${path}`, { agent: false, ...rest }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

export async function scrape(endpoint: string): Promise<Scrape> {
  const { body } = await getPage(endpoint, '/metrics')
  return new Scrape(body.toString('utf8'))
}
