/** `raftringctl snapshot save FILE`: fetches a snapshot from a server, ours or etcd. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { createHash, type Hash } from 'node:crypto'
import { dirname } from 'node:path'
import { Client, Metadata, credentials, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js'
import { EMPTY_BYTES, equalBytes, type Bytes } from '../base/bytes.js'
import {
  decodeAuthenticateResponse, decodeSnapshotResponse, encodeAuthenticateRequest, type SnapshotResponse,
} from '../proto/generated/etcdserverpb.js'
import { syncDirectory } from '../store/checkpoint-file.js'
import { DONE, ExitCode, failed, type CommandResult } from './command-result.js'
import type { Print } from './output.js'

export interface SaveOptions {
  readonly file: string
  /** One: of several servers nobody could say whose snapshot it is. */
  readonly endpoints: readonly string[]
  readonly dialTimeoutMs: number
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  readonly insecureSkipVerify: boolean
  /** NAME[:PASSWORD], or empty. */
  readonly user: string
  readonly password: string
  readonly nowMs: () => number
}

const FILE_MODE = 0o600
const SHA256_BYTES = 32
const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate'
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot'

export async function snapshotSave(options: SaveOptions, print: Print): Promise<CommandResult> {
  const [endpoint, ...others] = options.endpoints
  if (endpoint === undefined || others.length > 0) {
    const message = `snapshot must be requested to one selected node, not multiple [${options.endpoints.join(' ')}]`
    return failed(message, ExitCode.badArguments)
  }
  let client: Client
  try {
    client = connect(endpoint, options)
  } catch (error) {
    return failed((error as Error).message)
  }
  const part = `${options.file}.part`
  try {
    const deadline = options.nowMs() + options.dialTimeoutMs
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error)))
    })
    const metadata = await authenticated(client, options)
    const version = await download(client, metadata, part)
    renameSync(part, options.file)
    syncDirectory(dirname(options.file))
    print(`Snapshot saved at ${options.file}`)
    if (version !== '') print(`Server version ${version}`)
    return DONE
  } catch (error) {
    rmSync(part, { force: true })
    return failed(messageOf(error as ServiceError), ExitCode.interrupted)
  } finally {
    client.close()
  }
}

function connect(endpoint: string, options: SaveOptions): Client {
  const match = /^(?:(https?|unixs?):\/\/)?(.+)$/.exec(endpoint)
  const scheme = match?.[1] ?? ''
  const address = match?.[2] ?? ''
  const isSecure = scheme === 'https' || scheme === 'unixs' || (scheme === '' && hasTls(options))
  const target = scheme.startsWith('unix') ? `unix:${address}` : address
  return new Client(target, isSecure ? tlsOf(options) : credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  })
}

function hasTls({ caFile, certFile }: SaveOptions): boolean {
  return caFile !== '' || certFile !== ''
}

function tlsOf({ caFile, certFile, keyFile, insecureSkipVerify }: SaveOptions): ChannelCredentials {
  const read = (path: string): Buffer | null => (path === '' ? null : readFileSync(path))
  return credentials.createSsl(read(caFile), read(keyFile), read(certFile), {
    rejectUnauthorized: !insecureSkipVerify,
  })
}

/** With a token for the user, if one was given. */
async function authenticated(client: Client, { user, password }: SaveOptions): Promise<Metadata> {
  const metadata = new Metadata()
  if (user === '') return metadata
  const colon = user.indexOf(':')
  const request = colon < 0
    ? { name: user, password }
    : { name: user.slice(0, colon), password: user.slice(colon + 1) }
  const response = await new Promise<{ readonly token: string }>((resolve, reject) => {
    const encode = (): Buffer => Buffer.from(encodeAuthenticateRequest(request))
    client.makeUnaryRequest(AUTHENTICATE, encode, decodeAuthenticateResponse, null, (error, answer) => {
      if (error !== null) reject(error)
      else resolve(answer as { readonly token: string })
    })
  })
  metadata.set('token', response.token)
  return metadata
}

/** Writes the stream to a file, durably, and returns the server's version. */
async function download(client: Client, metadata: Metadata, path: string): Promise<string> {
  const encode = (): Buffer => Buffer.alloc(0)
  const stream = client.makeServerStreamRequest(SNAPSHOT, encode, decodeSnapshotResponse, null, metadata)
  const descriptor = openSync(path, 'w', FILE_MODE)
  const check = new TrailerCheck()
  let version = ''
  try {
    for await (const message of stream as AsyncIterable<SnapshotResponse>) {
      version = message.version
      check.add(message.blob)
      for (let at = 0; at < message.blob.length;) at += writeSync(descriptor, message.blob, at)
    }
    check.finish()
    fsyncSync(descriptor)
    return version
  } finally {
    stream.cancel()
    closeSync(descriptor)
  }
}

/** The last 32 bytes of the stream are the hash of all before them. */
class TrailerCheck {
  readonly #hash: Hash = createHash('sha256')
  #held: Bytes = EMPTY_BYTES

  add(blob: Bytes): void {
    const all = this.#held.length === 0 ? blob : Buffer.concat([this.#held, blob])
    const settled = Math.max(0, all.length - SHA256_BYTES)
    this.#hash.update(all.subarray(0, settled))
    this.#held = all.slice(settled)
  }

  finish(): void {
    if (this.#held.length === SHA256_BYTES && equalBytes(this.#hash.digest(), this.#held)) return
    throw new Error('the snapshot arrived damaged: its sha256 is not that of its contents')
  }
}

function messageOf({ code, message, details }: ServiceError): string {
  return code === undefined || details === undefined ? message : `rpc error: code = ${nameOf(code)} desc = ${details}`
}

function nameOf(code: status): string {
  const words = (status[code] ?? 'UNKNOWN').toLowerCase()
  const name = words.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return name === 'Cancelled' ? 'Canceled' : name
}
