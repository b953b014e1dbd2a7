/** A front with TLS on files of a test's own, and clients that say how they fared. */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type ConnectionOptions } from 'node:tls'
import type { TlsSide } from '../../../src/config/sections/tls-config.js'
import { openTlsMaterial } from '../../../src/listen/tls-material-file.js'
import type { LogFields, Logger } from '../../../src/metrics/logger.js'
import { TestAuthority, type Pair } from '../../support/certificates.js'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.js'
import { EchoServer, type EchoServerOptions } from '../grpc/support/echo-server.js'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly msg: string
  readonly fields: LogFields
}

/** What a client saw: the server's certificate, what was agreed on, or why it came to nothing. */
export type Handshake =
  | {
      readonly ok: true
      readonly serial: string
      readonly version: string
      readonly cipher: string
      readonly alpn: string
    }
  | { readonly ok: false; readonly error: string }

export class TlsRig {
  readonly authority: TestAuthority
  readonly directory: TemporaryDirectory = temporaryDirectory()
  readonly lines: LogLine[] = []
  server: EchoServer | null = null

  private constructor(authority: TestAuthority) {
    this.authority = authority
  }

  static async make(): Promise<TlsRig> {
    return new TlsRig(await TestAuthority.make())
  }

  get logger(): Logger {
    const at = (level: LogLine['level']) => (_caller: string, msg: string, fields: LogFields = {}) =>
      void this.lines.push({ level, msg, fields })
    return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error'), enabled: () => true }
  }

  write(name: string, content: string | Buffer): string {
    const path = this.directory.path(name)
    writeFileSync(path, content)
    return path
  }

  writePair({ cert, key }: Pair): { certFile: string; keyFile: string } {
    return { certFile: this.write('cert.pem', cert), keyFile: this.write('key.pem', key) }
  }

  /** What clients must show is given by `changes`; the server shows a certificate of the authority. */
  async side(changes: Partial<TlsSide> = {}): Promise<TlsSide> {
    const pair = this.writePair(await this.authority.issue())
    return tlsSide(pair, { requiresCertificates: changes.trustedCaFile !== undefined, ...changes })
  }

  /** As a server whose clients must show a certificate of the authority. */
  async demanding(changes: Partial<TlsSide> = {}): Promise<TlsSide> {
    return this.side({ trustedCaFile: this.write('ca.pem', this.authority.cert), ...changes })
  }

  async start(side: TlsSide, options: EchoServerOptions = {}): Promise<EchoServer> {
    const opened = await openTlsMaterial(side, this.logger)
    if (!opened.ok) throw new Error(opened.message)
    const listen = { tls: opened.material, ...options.listen }
    this.server = await EchoServer.start({ logger: this.logger, ...options, listen })
    return this.server
  }

  /** A client that waits until the server has said something in HTTP/2, or has hung up. */
  async shake(options: ConnectionOptions & { client?: Pair } = {}): Promise<Handshake> {
    const { client, ...rest } = options
    const port = this.server?.port ?? 0
    const own = client === undefined ? {} : { cert: client.cert, key: client.key }
    const base = { host: '127.0.0.1', port, ca: this.authority.cert, ALPNProtocols: ['h2'] }
    const socket = connect({ ...base, ...own, ...rest })
    try {
      await once(socket, 'secureConnect')
      // A refusal of the client's certificate comes after its side of the handshake is over.
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
      await new Promise<void>((resolve, reject) => {
        socket.once('data', () => resolve())
        socket.once('error', reject)
        socket.once('close', () => reject(new Error('closed')))
      })
      return {
        ok: true,
        serial: socket.getPeerCertificate().serialNumber,
        version: socket.getProtocol() ?? '',
        cipher: socket.getCipher().standardName,
        alpn: String(socket.alpnProtocol),
      }
    } catch (error) {
      return { ok: false, error: (error as Error).message }
    } finally {
      socket.destroy()
    }
  }

  async close(): Promise<void> {
    await this.server?.close()
    this.directory.remove()
  }
}

/** As the flags' defaults have it, with this pair. */
export function tlsSide(pair: Pick<TlsSide, 'certFile' | 'keyFile'>, changes: Partial<TlsSide> = {}): TlsSide {
  return {
    ...pair,
    clientCertFile: '',
    clientKeyFile: '',
    trustedCaFile: '',
    crlFile: '',
    requiresCertificates: false,
    clientCertAuth: false,
    allowedNames: [],
    allowedHostnames: [],
    skipsSanVerification: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: '',
    isSelfSigned: false,
    ...changes,
  }
}
