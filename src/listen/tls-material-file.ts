/**
 * Certificates, keys and revocations of one side as they lie on disk. They are looked at before each handshake, so that
 * what replaces them counts from the next connection on. What cannot be read is said in the log, and the last good set
 * goes on serving.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { TlsSide } from '../config/sections/tls-config.js'
import type { Logger } from '../metrics/logger.js'
import type { Revocations } from './certificate-check.js'

export type MaterialResult =
  | { readonly ok: true; readonly material: TlsMaterial }
  | { readonly ok: false; readonly message: string }

type ReadRevocations = (bytes: Buffer) => ReadonlySet<bigint> | null

/** One set of files that fit together. */
interface Loaded {
  readonly context: SecureContextOptions
  readonly outgoing: SecureContextOptions
  readonly revoked: Revocations
}

const NOTHING_REVOKED: Revocations = new Set<bigint>()
const CERTIFICATE_PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads the files of a configuration, or says in etcd's words what is wrong with them. */
export async function openTlsMaterial(config: TlsSide, logger: Logger): Promise<MaterialResult> {
  const readRevocations = await revocationReader(config)
  const stamp = stampOf(config)
  const loaded = load(config, readRevocations)
  if (typeof loaded === 'string') return { ok: false, message: loaded }
  return { ok: true, material: new TlsMaterial({ config, logger, readRevocations, stamp, loaded }) }
}

/** What is wrong with the files of a configuration, or null. */
export async function tlsProblem(config: TlsSide): Promise<string | null> {
  const loaded = load(config, await revocationReader(config))
  return typeof loaded === 'string' ? loaded : null
}

async function revocationReader(config: TlsSide): Promise<ReadRevocations> {
  return config.crlFile === '' ? () => null : (await import('./revocation-list.js')).revokedSerials
}

export class TlsMaterial {
  readonly config: TlsSide
  /** Rises when another set of files has come. */
  version = 1
  /** Sets of files that could not be used. */
  failures = 0
  readonly #logger: Logger
  readonly #readRevocations: ReadRevocations
  #stamp: string
  #loaded: Loaded

  constructor(options: {
    config: TlsSide
    logger: Logger
    readRevocations: ReadRevocations
    stamp: string
    loaded: Loaded
  }) {
    this.config = options.config
    this.#logger = options.logger
    this.#readRevocations = options.readRevocations
    this.#stamp = options.stamp
    this.#loaded = options.loaded
  }

  get context(): SecureContextOptions {
    return this.#loaded.context
  }

  /** For connections that this member makes. */
  get outgoing(): SecureContextOptions {
    return this.#loaded.outgoing
  }

  get revoked(): Revocations {
    return this.#loaded.revoked
  }

  /** Takes in files that have changed since the last look; a few stat calls when none has. */
  refresh(): void {
    const stamp = stampOf(this.config)
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    const loaded = load(this.config, this.#readRevocations)
    if (typeof loaded === 'string') {
      this.failures++
      this.#logger.warn('front', 'changed TLS files cannot be used; the last good ones go on serving', {
        error: loaded,
      })
      return
    }
    this.#loaded = loaded
    this.version++
    this.#logger.info('front', 'took in changed TLS files', {
      cert: this.config.certFile,
      'trusted-ca': this.config.trustedCaFile,
      crl: this.config.crlFile,
    })
  }
}

/** Tells one state of the files from another. A file that is missing, or that cannot be looked at, is a state too. */
function stampOf({ certFile, keyFile, trustedCaFile, crlFile }: TlsSide): string {
  let stamp = ''
  for (const path of [certFile, keyFile, trustedCaFile, crlFile]) {
    if (path === '') continue
    stamp += `${stampOfFile(path)};`
  }
  return stamp
}

function stampOfFile(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path)
    return `${dev}.${ino}.${size}.${mtimeMs}.${ctimeMs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message
  }
}

/** All files together, or what is wrong. */
function load(config: TlsSide, readRevocations: ReadRevocations): Loaded | string {
  const files: Buffer[] = []
  for (const path of [config.certFile, config.keyFile, config.clientCertFile, config.clientKeyFile]) {
    const bytes = path === '' ? Buffer.alloc(0) : readWhole(path)
    if (typeof bytes === 'string') return bytes
    files.push(bytes)
  }
  const [cert, key, outgoingCert, outgoingKey] = files as [Buffer, Buffer, Buffer, Buffer]
  const problem = pairProblem(cert, key) ?? (outgoingCert.length > 0 ? pairProblem(outgoingCert, outgoingKey) : null)
  if (problem !== null) return problem
  const authorities = config.trustedCaFile === '' ? null : readAuthorities(config.trustedCaFile)
  if (typeof authorities === 'string') return authorities
  const revoked = config.crlFile === '' ? NOTHING_REVOKED : readRevoked(config.crlFile, readRevocations)
  if (typeof revoked === 'string') return revoked
  const context: SecureContextOptions = {
    cert,
    key,
    ...(authorities === null ? {} : { ca: authorities }),
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    ...(config.ciphers === '' ? {} : { ciphers: config.ciphers }),
  }
  try {
    createSecureContext(context)
  } catch (error) {
    return `tls: ${(error as Error).message}`
  }
  const isPairOwn = outgoingCert.length > 0
  const outgoing = { ...context, cert: isPairOwn ? outgoingCert : cert, key: isPairOwn ? outgoingKey : key }
  return { context, outgoing, revoked }
}

function readWhole(path: string): Buffer | string {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return `open ${path}: ${code === 'ENOENT' ? 'no such file or directory' : message}`
  }
}

/** What is wrong with a certificate and its key, in the words of Go's library, which users of etcd know. */
function pairProblem(cert: Buffer, key: Buffer): string | null {
  const [first] = certificatesIn(cert)
  if (first === undefined) return 'tls: failed to find any PEM data in certificate input'
  const certificate = parsed(() => new X509Certificate(first))
  if (certificate === null) return 'tls: failed to parse certificate'
  const privateKey = parsed(() => createPrivateKey(key))
  if (privateKey === null) return 'tls: failed to find any PEM data in key input'
  return certificate.checkPrivateKey(privateKey) ? null : 'tls: private key does not match public key'
}

function readAuthorities(path: string): string[] | string {
  const bytes = readWhole(path)
  if (typeof bytes === 'string') return bytes
  const authorities = certificatesIn(bytes)
  if (authorities.length === 0) return `no certificate in ${path}`
  const broken = authorities.some((text) => parsed(() => new X509Certificate(text)) === null)
  return broken ? `failed to parse certificate in ${path}` : authorities
}

function readRevoked(path: string, read: ReadRevocations): Revocations | string {
  const bytes = readWhole(path)
  if (typeof bytes === 'string') return bytes
  return read(bytes) ?? `malformed list of revoked certificates in ${path}`
}

function certificatesIn(pem: Buffer): string[] {
  return pem.toString('latin1').match(CERTIFICATE_PEM) ?? []
}

function parsed<T>(parse: () => T): T | null {
  try {
    return parse()
  } catch {
    return null
  }
}
