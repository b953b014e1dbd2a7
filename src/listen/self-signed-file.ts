/** Certificates that this member makes for itself, beside its data, as etcd does: made once, then kept. */

import { randomBytes, webcrypto } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import type { TlsSide } from '../config/sections/tls-config.js'

export interface SelfSignedOptions {
  readonly tls: TlsSide
  /** Names and addresses that the certificate is for. */
  readonly hosts: readonly string[]
  readonly years: number
  /** Members use theirs as clients too. */
  readonly isForMembers: boolean
  readonly wallMs: number
}

const YEAR_MS = 365 * 24 * 3_600_000
const SERIAL_BYTES = 16
const ALGORITHM = Object.freeze({ name: 'ECDSA', namedCurve: 'P-521' })

/** Makes the pair unless both files are there. True if it was made. */
export async function ensureSelfSigned(options: SelfSignedOptions): Promise<boolean> {
  const { certFile, keyFile } = options.tls
  if (existsSync(certFile) && existsSync(keyFile)) return false
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await certificateFor(options, keys as webcrypto.CryptoKeyPair)
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  mkdirSync(dirname(certFile), { recursive: true, mode: 0o700 })
  writeFileSync(certFile, `${certificate}\n`)
  writeFileSync(keyFile, pem('PRIVATE KEY', key), { mode: 0o600 })
  return true
}

/** In PEM. */
async function certificateFor(options: SelfSignedOptions, keys: webcrypto.CryptoKeyPair): Promise<string> {
  const { hosts, years, isForMembers, wallMs } = options
  // Loaded here because most nodes never need it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const serial = randomBytes(SERIAL_BYTES)
  // A serial number is positive (RFC 5280, section 4.1.2.2).
  serial[0] = ((serial[0] as number) & 0x7f) | 1
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString('hex'),
    subject: 'O=etcd',
    issuer: 'O=etcd',
    notBefore: new Date(wallMs),
    notAfter: new Date(wallMs + years * YEAR_MS),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-512' },
    extensions: [
      new x509.KeyUsagesExtension(digitalSignature | keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(isForMembers ? [serverAuth, clientAuth] : [serverAuth]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  })
  return certificate.toString('pem')
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
