/** A client of the discovery service: as much of etcd's API as the protocol needs, over gRPC. */

import { readFileSync } from 'node:fs'
import { Client, credentials, Metadata, type ChannelCredentials, type ClientReadableStream } from '@grpc/grpc-js'
import { text, utf8, type Bytes } from '../../base/bytes.js'
import { systemClock } from '../../base/system-clock.js'
import type { DiscoveryConfig } from '../../config/sections/cluster-config.js'
import {
  decodeAuthenticateResponse,
  decodeRangeResponse,
  decodeWatchResponse,
  encodeAuthenticateRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeWatchRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { DiscoveredPair, DiscoveryClient } from './v3-discovery.js'

const KV = '/etcdserverpb.KV/'

export class DiscoveryClientSocket implements DiscoveryClient {
  readonly #config: DiscoveryConfig
  readonly #clients: readonly Client[]
  #next = 0
  #token: string | null = null

  constructor(config: DiscoveryConfig) {
    this.#config = config
    this.#clients = config.endpoints.map((endpoint) => clientOf(endpoint, config))
  }

  async list(prefix: string): Promise<{ pairs: readonly DiscoveredPair[]; revision: number }> {
    const key = utf8(prefix)
    const answer = await this.#call(`${KV}Range`, encodeRangeRequest({ key, range_end: endOf(key) }))
    const { kvs, header } = decodeRangeResponse(answer)
    const pairs = kvs.map(({ key: name, value, create_revision }) => {
      return { key: text(name), value, createRevision: create_revision }
    })
    return { pairs, revision: header?.revision ?? 0 }
  }

  async put(key: string, value: string): Promise<void> {
    await this.#call(`${KV}Put`, encodePutRequest({ key: utf8(key), value: utf8(value) }))
  }

  async changed(prefix: string, afterRevision: number): Promise<void> {
    await this.#connected()
    const metadata = await this.#metadata()
    const key = utf8(`${prefix}/`)
    const request = encodeWatchRequest({
      create_request: { key, range_end: endOf(key), start_revision: afterRevision + 1 },
    })
    const client = this.#client()
    const stream = client.makeBidiStreamRequest('/etcdserverpb.Watch/Watch', asBuffer, asIs, metadata)
    stream.write(request)
    await firstEvent(stream)
    stream.cancel()
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  async #call(path: string, request: Bytes): Promise<Bytes> {
    await this.#connected()
    const metadata = await this.#metadata()
    return this.#unary(path, request, metadata)
  }

  /** The next attempt asks the next endpoint. */
  #connected(): Promise<void> {
    const deadline = systemClock.wallMs() + this.#config.dialTimeoutMs
    return new Promise((resolve, reject) => {
      this.#client().waitForReady(deadline, (error) => {
        if (error === undefined) return resolve()
        this.#fail()
        reject(error)
      })
    })
  }

  #fail(): void {
    this.#next++
    this.#token = null
  }

  #unary(path: string, request: Bytes, metadata: Metadata): Promise<Bytes> {
    const deadline = systemClock.wallMs() + this.#config.requestTimeoutMs
    return new Promise((resolve, reject) => {
      this.#client().makeUnaryRequest(path, asBuffer, asIs, request, metadata, { deadline }, (error, answer) => {
        if (error === null) return resolve(answer as Bytes)
        this.#fail()
        reject(error)
      })
    })
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata()
    const { user, password } = userOf(this.#config)
    if (user === '') return metadata
    if (this.#token === null) {
      const request = encodeAuthenticateRequest({ name: user, password })
      const answer = await this.#unary('/etcdserverpb.Auth/Authenticate', request, metadata)
      this.#token = decodeAuthenticateResponse(answer).token
    }
    metadata.set('token', this.#token)
    return metadata
  }

  #client(): Client {
    return this.#clients[this.#next % this.#clients.length] as Client
  }
}

function firstEvent(stream: ClientReadableStream<Bytes>): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', (answer: Bytes) => {
      const { events, canceled, cancel_reason } = decodeWatchResponse(answer)
      if (canceled) reject(new Error(`the watch was canceled: ${cancel_reason}`))
      else if (events.length > 0) resolve()
    })
    stream.on('end', () => reject(new Error('the watch has ended')))
    // Comes after a cancel of our own as well, when nobody waits any more.
    stream.on('error', reject)
  })
}

function clientOf(endpoint: string, config: DiscoveryConfig): Client {
  const match = /^(?:(https?|unixs?):\/\/)?(.*)$/.exec(endpoint)
  const scheme = match?.[1] ?? ''
  const address = match?.[2] ?? ''
  return new Client(scheme.startsWith('unix') ? `unix:${address}` : address, credentialsOf(scheme, config), {
    'grpc.keepalive_time_ms': config.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
  })
}

/** The scheme decides; without one, whether there is anything of TLS to go by. */
function credentialsOf(scheme: string, config: DiscoveryConfig): ChannelCredentials {
  const { caFile, certFile, keyFile, insecureTransport, insecureSkipTlsVerify } = config
  const hasFiles = caFile !== '' || certFile !== ''
  const isTls = scheme === 'https' || scheme === 'unixs' || (scheme === '' && (hasFiles || !insecureTransport))
  if (!isTls) return credentials.createInsecure()
  const read = (file: string): Buffer | null => (file === '' ? null : readFileSync(file))
  return credentials.createSsl(read(caFile), read(keyFile), read(certFile), {
    rejectUnauthorized: !insecureSkipTlsVerify,
  })
}

/** `name:password` in one flag, or in two. */
function userOf({ user, password }: DiscoveryConfig): { user: string; password: string } {
  const colon = user.indexOf(':')
  if (password !== '' || colon < 0) return { user, password }
  return { user: user.slice(0, colon), password: user.slice(colon + 1) }
}

/** The end of the range of all keys that begin with these bytes, of which the last is no 0xff. */
function endOf(prefix: Bytes): Bytes {
  const end = new Uint8Array(prefix)
  end[end.length - 1] = (end.at(-1) as number) + 1
  return end
}

function asBuffer(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function asIs(bytes: Buffer): Bytes {
  return bytes
}
