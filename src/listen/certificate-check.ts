/** What a client's certificate must say beyond being signed by a trusted authority. */

import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TlsSide } from '../config/sections/tls-config.js'

/** Serial numbers, as they are told by `RevocationList`. */
export interface Revocations {
  has(serial: bigint): boolean
}

const NOTHING_REVOKED: Revocations = { has: () => false }

/** Why this client is not let in, or null. */
export function certificateProblem(
  certificate: X509Certificate,
  config: TlsSide,
  revoked: Revocations = NOTHING_REVOKED,
): string | null {
  const { allowedNames, allowedHostnames } = config
  const isNamed = allowedNames.length === 0 || allowedNames.includes(commonNameOf(certificate))
  const isHost = allowedHostnames.length === 0 || allowedHostnames.some((name) => isFor(certificate, name))
  if (!isNamed || !isHost) return 'client certificate authentication failed'
  for (let link: X509Certificate | undefined = certificate; link !== undefined; link = issuerOf(link)) {
    const serial = BigInt(`0x${link.serialNumber}`)
    if (revoked.has(serial)) return `transport: certificate serial ${serial.toString(16)} revoked`
  }
  return null
}

/** The last common name of the subject, which is the one that etcd takes; empty when there is none. */
export function commonNameOf(certificate: X509Certificate): string {
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>
  const name = subject['CN']
  return (Array.isArray(name) ? name.at(-1) : name) ?? ''
}

/** A self-signed certificate is its own issuer. */
function issuerOf(certificate: X509Certificate): X509Certificate | undefined {
  const issuer = certificate.issuerCertificate
  return issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256 ? undefined : issuer
}

/** By the alternative names alone: the common name has not counted for hosts for years. */
function isFor(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
}
