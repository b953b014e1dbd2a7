/** What to bind for a URL: a name may mean several addresses, and the unspecified address means both families. */

import type { ListenUrl } from '../config/urls.js'

export type BindAddress =
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      /** Without IPv6 on this machine: listened on instead, or left out when null. */
      readonly withoutIpv6?: string | null
    }
  | { readonly kind: 'unix'; readonly path: string }

export function bindAddresses(url: ListenUrl): readonly BindAddress[] {
  if (url.scheme === 'unix' || url.scheme === 'unixs') return [{ kind: 'unix', path: url.host }]
  const { host, port } = url
  if (host === 'localhost') {
    return [
      { kind: 'tcp', host: '127.0.0.1', port },
      { kind: 'tcp', host: '::1', port, withoutIpv6: null },
    ]
  }
  // The unspecified address of IPv4 takes clients of both families, as it does for etcd.
  if (host === '0.0.0.0') return [{ kind: 'tcp', host: '::', port, withoutIpv6: '0.0.0.0' }]
  return [{ kind: 'tcp', host, port }]
}
