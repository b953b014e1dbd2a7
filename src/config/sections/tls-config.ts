/** TLS towards clients and between members: which files, who must show a certificate, versions and cipher suites. */

import { join } from 'node:path'
import type { OptionReader } from '../option-values.js'
import { opensslCiphers } from './cipher-suites.js'
import type { Findings } from './findings.js'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What one side shows and demands. Empty texts are files that were not named. */
export interface TlsSide {
  readonly certFile: string
  readonly keyFile: string
  /** For calls that this member makes itself; the pair above when empty. */
  readonly clientCertFile: string
  readonly clientKeyFile: string
  /** Whose certificates are believed; the runtime's authorities when empty. */
  readonly trustedCaFile: string
  readonly crlFile: string
  /** True with a file of authorities too: naming one requires certificates of the other side. */
  readonly requiresCertificates: boolean
  /** As the flag says: common names of certificates are user names then. */
  readonly clientCertAuth: boolean
  /** Of which a certificate must hold one; none is no demand. */
  readonly allowedNames: readonly string[]
  readonly allowedHostnames: readonly string[]
  readonly skipsSanVerification: boolean
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** In OpenSSL's names; empty for the runtime's choice. */
  readonly ciphers: string
  /** The pair is made here if it is not there yet. */
  readonly isSelfSigned: boolean
}

export interface TlsConfig {
  /** Null when there is no certificate to show: then no listener speaks TLS. */
  readonly clientTls: TlsSide | null
  readonly peerTls: TlsSide | null
  readonly selfSignedYears: number
}

type SharedPart = Pick<TlsSide, 'minVersion' | 'maxVersion' | 'ciphers'>

export function concludeTls(options: OptionReader, dataDir: string, findings: Findings): TlsConfig {
  const shared = sharedPart(options, findings)
  const side = (prefix: '' | 'peer-', fixtures: string): TlsSide | null => {
    const own = sidePart(options, prefix, join(dataDir, 'fixtures', fixtures), findings)
    return own === null ? null : Object.freeze({ ...own, ...shared })
  }
  return {
    clientTls: side('', 'client'),
    peerTls: side('peer-', 'peer'),
    selfSignedYears: options.numberOr('self-signed-cert-validity', 1),
  }
}

function sharedPart(options: OptionReader, { problems }: Findings): SharedPart {
  const minText = options.text('tls-min-version')
  const maxText = options.text('tls-max-version')
  for (const text of [minText, maxText]) {
    if (text === '' || text === 'TLS1.2' || text === 'TLS1.3') continue
    problems.push(`unexpected TLS version "${text}" (must be one of: TLS1.2, TLS1.3)`)
  }
  const minVersion = minText === 'TLS1.3' ? 'TLSv1.3' : 'TLSv1.2'
  const maxVersion = maxText === 'TLS1.2' ? 'TLSv1.2' : 'TLSv1.3'
  if (minVersion > maxVersion) problems.push(`min version (${minText}) is greater than max version (${maxText})`)
  const suites = options.list('cipher-suites')
  if (suites.length > 0 && minVersion === 'TLSv1.3') {
    problems.push('cipher suites cannot be configured when only TLS1.3 is enabled')
  }
  const { ciphers, unknown } = opensslCiphers(suites)
  if (unknown !== null) problems.push(`unexpected TLS cipher suite "${unknown}"`)
  return { minVersion, maxVersion, ciphers }
}

function sidePart(
  options: OptionReader,
  prefix: '' | 'peer-',
  fixtures: string,
  findings: Findings,
): Omit<TlsSide, keyof SharedPart> | null {
  const isPeer = prefix === 'peer-'
  const pair = ownPair(options, prefix, fixtures, findings)
  if (pair === null) return null
  const trustedCaFile = options.text(`${prefix}trusted-ca-file`)
  const clientCertAuth = options.isTrue(`${prefix}client-cert-auth`)
  const side = {
    ...pair,
    clientCertFile: options.text(`${prefix}client-cert-file`),
    clientKeyFile: options.text(`${prefix}client-key-file`),
    trustedCaFile,
    crlFile: options.text(isPeer ? 'peer-crl-file' : 'client-crl-file'),
    requiresCertificates: trustedCaFile !== '' || clientCertAuth,
    clientCertAuth,
    allowedNames: isPeer ? options.list('peer-cert-allowed-cn') : [],
    allowedHostnames: options.list(isPeer ? 'peer-cert-allowed-hostname' : 'client-cert-allowed-hostname'),
    skipsSanVerification: isPeer && options.isTrue('peer-skip-client-san-verification'),
  }
  checkSide(side, findings)
  return side
}

/** The certificate to show, named or made here; null without one. */
function ownPair(
  options: OptionReader,
  prefix: '' | 'peer-',
  fixtures: string,
  { problems, warnings }: Findings,
): Pick<TlsSide, 'certFile' | 'keyFile' | 'isSelfSigned'> | null {
  const certFile = options.text(`${prefix}cert-file`)
  const keyFile = options.text(`${prefix}key-file`)
  const wantsAuto = options.isTrue(`${prefix}auto-tls`)
  if (certFile === '' && keyFile === '') {
    if (!wantsAuto) return null
    return { certFile: join(fixtures, 'cert.pem'), keyFile: join(fixtures, 'key.pem'), isSelfSigned: true }
  }
  if (wantsAuto) warnings.push(`ignoring --${prefix}auto-tls since certificates are given`)
  if (certFile === '' || keyFile === '') {
    problems.push(`KeyFile and CertFile must both be present[key: ${keyFile}, cert: ${certFile}]`)
  }
  return { certFile, keyFile, isSelfSigned: false }
}

type Checked = Pick<TlsSide, 'clientCertFile' | 'clientKeyFile' | 'allowedNames' | 'allowedHostnames'>

function checkSide(side: Checked, { problems }: Findings): void {
  const { clientCertFile, clientKeyFile, allowedNames, allowedHostnames } = side
  if ((clientCertFile === '') !== (clientKeyFile === '')) {
    problems.push(
      'ClientKeyFile and ClientCertFile must both be present or both absent: ' +
        `key: ${clientKeyFile}, cert: ${clientCertFile}]`,
    )
  }
  if (allowedNames.length > 0 && allowedHostnames.length > 0) {
    const quoted = (names: readonly string[]): string => `[${names.map((name) => `"${name}"`).join(' ')}]`
    problems.push(
      'AllowedCNs and AllowedHostnames are mutually exclusive ' +
        `(cns=${quoted(allowedNames)}, hostnames=${quoted(allowedHostnames)})`,
    )
  }
}
