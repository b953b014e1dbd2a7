/** `GET /members/hashkv` with a body, as etcd's members ask each other, and its tools them. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { hexId } from '../../base/bytes.js'
import { HASH_KV_METHOD } from '../../messages/peer-messages.js'
import { decodeHashKVResponse, encodeHashKVRequest } from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { hashKvResponse, parseHashKvRequest } from '../hash-kv-json.js'
import type { CallAnswer } from '../member-calls.js'
import { readBody, type MemberCallServer } from './member-call-server.js'

/** Of large stores a hash takes long. Longer than members wait for each other. */
const ANSWER_MS_MAX = 60_000
/** Hashes under way; whoever asks for more is refused. */
const UNDER_WAY_MAX = 8
const TEXT_PLAIN = 'text/plain; charset=utf-8'
/** What other servers of etcd's kind put before such an error is no part of it here. */
const PREFIX = /^etcdserver: (?=mvcc: )/

export class HashKvServer {
  readonly #clusterId: bigint
  readonly #calls: Pick<MemberCallServer, 'ask'>
  #underWay = 0

  constructor(clusterId: bigint, calls: Pick<MemberCallServer, 'ask'>) {
    this.#clusterId = clusterId
    this.#calls = calls
  }

  /** For the path, with whichever method and from whomever. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const problem = this.#problem(request)
    if (problem !== null) {
      request.resume()
      response.setHeader('Connection', 'close')
      if (problem.status === 405) response.setHeader('Allow', 'GET')
      refuse(response, problem.status, problem.message)
      return
    }
    this.#underWay++
    response.once('close', () => this.#underWay--)
    response.setTimeout(ANSWER_MS_MAX, () => response.destroy())
    readBody(request, response, (body) => this.#ask(body.toString('utf8'), response))
  }

  #problem({ method, headers }: IncomingMessage): { readonly status: number; readonly message: string } | null {
    if (method !== 'GET') return { status: 405, message: 'Method Not Allowed' }
    const clusterId = headers['x-etcd-cluster-id'] ?? ''
    if (clusterId !== '' && clusterId !== hexId(this.#clusterId)) return { status: 412, message: 'cluster ID mismatch' }
    return this.#underWay < UNDER_WAY_MAX ? null : { status: 503, message: 'too many requests of members' }
  }

  #ask(body: string, response: ServerResponse): void {
    const request = parseHashKvRequest(body)
    if (request === null) return refuse(response, 400, 'error unmarshalling request')
    const question = { method: HASH_KV_METHOD, token: '', data: encodeHashKVRequest(request) }
    if (!this.#calls.ask(question, response, (answer) => this.#answer(answer, response))) {
      refuse(response, 503, 'too many requests of members')
    }
  }

  #answer({ status, message, data }: CallAnswer, response: ServerResponse): void {
    if (status !== grpcStatus.ok) return refuse(response, 400, message.replace(PREFIX, ''))
    const body = hashKvResponse(decodeHashKVResponse(data))
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'X-Etcd-Cluster-ID': hexId(this.#clusterId),
    })
    response.end(body)
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const body = `${message}\n`
  response.writeHead(status, { 'Content-Type': TEXT_PLAIN, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
