/** Authorities, certificates and revocations for tests, made when they are needed. */

import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const SIGNING = Object.freeze({ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' })
const DAY_MS = 24 * 3_600_000

export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  readonly commonName?: string
  readonly dns?: readonly string[]
  readonly ips?: readonly string[]
  readonly serial?: string
}

export class TestAuthority {
  /** In PEM. */
  readonly cert: string
  readonly #name: string
  readonly #keys: webcrypto.CryptoKeyPair
  #serial = 16

  private constructor(name: string, cert: string, keys: webcrypto.CryptoKeyPair) {
    this.#name = name
    this.cert = cert
    this.#keys = keys
  }

  static async make(name = 'CN=test authority'): Promise<TestAuthority> {
    const keys = await generate()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name,
      ...validity(),
      signingAlgorithm: SIGNING,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    })
    return new TestAuthority(name, certificate.toString('pem'), keys)
  }

  /** For servers on this machine and for clients alike. */
  async issue(options: CertificateOptions = {}): Promise<Pair> {
    const keys = await generate()
    const { dns = ['localhost'], ips = ['127.0.0.1', '::1'] } = options
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: options.serial ?? (this.#serial++).toString(16).padStart(4, '0'),
      subject: options.commonName === undefined ? 'O=test' : `CN=${options.commonName}`,
      issuer: this.#name,
      ...validity(),
      signingAlgorithm: SIGNING,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: 'dns' as const, value })),
          ...ips.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    })
    return { cert: `${certificate.toString('pem')}\n`, key: await keyPem(keys) }
  }

  /** A list of revoked serial numbers, in DER. */
  async revoke(serials: readonly string[]): Promise<Buffer> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#name,
      thisUpdate: new Date(Date.UTC(2020, 0, 1)),
      nextUpdate: new Date(Date.UTC(2120, 0, 1)),
      signingAlgorithm: SIGNING,
      signingKey: this.#keys.privateKey,
      entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date(Date.UTC(2021, 0, 1)) })),
    })
    return Buffer.from(list.rawData)
  }
}

async function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify'])
}

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2020, 0, 1) + 36_500 * DAY_MS) }
}
