/** A list of revoked certificates as authorities publish it. Loaded only where a list is configured. */

import 'reflect-metadata'
import { X509Crl } from '@peculiar/x509'

/** Serial numbers on the list, or null if `bytes` is none. PEM and DER are read. */
export function revokedSerials(bytes: Buffer): ReadonlySet<bigint> | null {
  try {
    const text = bytes.toString('latin1')
    const list = new X509Crl(text.includes('-----BEGIN') ? text : new Uint8Array(bytes))
    return new Set(list.entries.map(({ serialNumber }) => BigInt(`0x${serialNumber}`)))
  } catch {
    return null
  }
}
