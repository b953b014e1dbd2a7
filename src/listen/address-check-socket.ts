/**
 * Whether a certificate is for the address that its owner calls from, as etcd checks members: by the addresses in it,
 * or by what the names in it resolve to. A certificate that names neither is not tied to a place.
 */

import type { X509Certificate } from 'node:crypto'
import { lookup, reverse } from 'node:dns/promises'
import { isIP } from 'node:net'

export interface Resolver {
  /** Addresses of a name. */
  addressesOf(name: string): Promise<readonly string[]>
  /** Names of an address. */
  namesOf(address: string): Promise<readonly string[]>
}

const SYSTEM: Resolver = {
  addressesOf: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  namesOf: (address) => reverse(address),
}

/** What is wrong, or null. */
export async function addressProblem(
  certificate: X509Certificate,
  remoteAddress: string,
  resolver: Resolver = SYSTEM,
): Promise<string | null> {
  const address = plainAddress(remoteAddress)
  const { ips, names } = alternativeNames(certificate)
  if (ips.length === 0 && names.length === 0) return null
  if (certificate.checkIP(address) !== undefined) return null
  if (names.length === 0) return `x509: certificate is valid for ${ips.join(', ')}, not ${address}`
  if (await isNamed(address, names, resolver)) return null
  return `tls: "${address}" does not match any of DNSNames [${names.map((name) => `"${name}"`).join(' ')}]`
}

/** IPv4 clients of a socket for both families come as IPv6. */
function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address
}

function alternativeNames(certificate: X509Certificate): { ips: string[]; names: string[] } {
  const ips: string[] = []
  const names: string[] = []
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    const [, kind, value = ''] = /^(DNS|IP Address):(.*)$/.exec(entry) ?? []
    if (kind === 'DNS') names.push(value)
    else if (kind === 'IP Address') ips.push(value)
  }
  return { ips, names }
}

async function isNamed(address: string, names: readonly string[], resolver: Resolver): Promise<boolean> {
  const patterns = names.filter((name) => name.startsWith('*.'))
  if (patterns.length > 0) {
    const found = await orNothing(resolver.namesOf(address))
    const suffixes = patterns.map((name) => name.slice(1))
    const fits = (name: string, suffix: string): boolean =>
      name.endsWith(suffix) && !name.slice(0, -suffix.length).includes('.')
    if (found.some((name) => suffixes.some((suffix) => fits(name.replace(/\.$/, ''), suffix)))) return true
  }
  for (const name of names) {
    if (name.startsWith('*.')) continue
    const addresses = isIP(name) !== 0 ? [name] : await orNothing(resolver.addressesOf(name))
    if (addresses.includes(address)) return true
  }
  return false
}

/** A name that does not resolve fits no address. */
async function orNothing(found: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return []
  }
}
