/** Everything that a request reader makes of octets, as lists that can be compared. */

import type { RequestHead } from '../../../../src/front/http1/request-head.js'
import { RequestReader } from '../../../../src/front/http1/request-reader.js'

export interface ReadRequest {
  readonly head: RequestHead
  readonly body: string
  readonly isWhole: boolean
  /** In which of the parts it ended; the first is 1. */
  readonly endPart: number
}

export interface ReadResult {
  readonly requests: readonly ReadRequest[]
  /** The status of the refusal; 0 without one. */
  readonly refusal: number
  /** How often a body was told in one piece with its end. */
  readonly told: number
}

/** Reads all of it, with a host that answers every request as soon as its body has come and closes when it should. */
export function readRequests(parts: readonly Buffer[]): ReadResult {
  const requests: { head: RequestHead; body: string; isWhole: boolean; endPart: number }[] = []
  const outcome = { refusal: 0, told: 0 }
  let partsSeen = 0
  const last = (): (typeof requests)[number] => requests.at(-1) as (typeof requests)[number]
  const end = (): void => {
    last().isWhole = true
    last().endPart = partsSeen
    if (last().head.keepsAlive) reader.next()
    else reader.stop()
  }
  const reader = new RequestReader({
    mayBegin: () => true,
    onHead: (head) => {
      requests.push({ head, body: '', isWhole: false, endPart: 0 })
      return true
    },
    onBody: (bytes) => (last().body += bytes.toString('latin1')),
    onBodyEnd: end,
    onWholeBody: (bytes) => {
      last().body = bytes.toString('latin1')
      outcome.told++
      end()
    },
    onRefused: (status) => (outcome.refusal = status),
  })
  for (const part of parts) {
    partsSeen++
    reader.take(part)
  }
  return { requests, ...outcome }
}

export function readText(text: string): ReadResult {
  return readRequests([Buffer.from(text, 'latin1')])
}

/** What must not depend on how the octets came: of a body that is not whole any part may have been told. */
export function meaningOf({ requests, refusal }: ReadResult): object {
  const told = requests.map(({ head, body, isWhole }) => ({ head, body: isWhole ? body : '', isWhole }))
  return { refusal, requests: told }
}
