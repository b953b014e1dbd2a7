/**
 * Finds out before any thread starts whether an address can be listened on, so that a taken port is one clear line.
 * Nothing listens meanwhile: a client or a health check must not meet a port that opens and closes again.
 */

import { connect, type NetConnectOpts } from 'node:net'
import type { BindAddress } from './bind-addresses.js'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EACCES: 'bind: permission denied',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  ENOENT: 'bind: no such file or directory',
}
/** What the system says where there is no IPv6. */
const NO_IPV6: ReadonlySet<string | undefined> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])
/**
 * tcpmux, which nobody serves: what a connection to it comes to does not matter, only whether its own end could be
 * bound.
 */
const TARGET_PORT = 1

/** The problem in the words that etcd uses, or null. */
export async function probe(address: BindAddress): Promise<string | null> {
  return address.kind === 'unix' ? probePath(address) : probePort(address)
}

export function describeListenError(address: BindAddress, error: NodeJS.ErrnoException): string {
  const reason = REASONS[error.code ?? ''] ?? error.message
  return address.kind === 'unix'
    ? `listen unix ${address.path}: ${reason}`
    : `listen tcp ${address.host}:${address.port}: ${reason}`
}

/** True where an address can be done without because this machine has no IPv6. */
export function lacksIpv6(address: BindAddress, error: NodeJS.ErrnoException): boolean {
  return address.kind === 'tcp' && address.withoutIpv6 !== undefined && NO_IPV6.has(error.code)
}

async function probePort(address: Extract<BindAddress, { kind: 'tcp' }>): Promise<string | null> {
  const { host, port } = address
  if (port === 0) return null
  const error = await attempt({ host: targetOf(host), port: TARGET_PORT, localAddress: host, localPort: port })
  if (error?.code === undefined || !(error.code in REASONS) || lacksIpv6(address, error)) return null
  return describeListenError(address, error)
}

/** A socket that somebody listens on is taken; one that a server has left behind is not. */
async function probePath(address: Extract<BindAddress, { kind: 'unix' }>): Promise<string | null> {
  const error = await attempt({ path: address.path })
  return error === null ? describeListenError(address, Object.assign(new Error('taken'), { code: 'EADDRINUSE' })) : null
}

async function attempt(options: NetConnectOpts): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const socket = connect(options)
    socket.once('connect', () => {
      if ('path' in options) socket.destroy()
      else socket.resetAndDestroy()
      resolve(null)
    })
    socket.once('error', resolve)
  })
}

/** An address of this machine that answers at once. */
function targetOf(localAddress: string): string {
  if (localAddress === '0.0.0.0' || localAddress === '') return '127.0.0.1'
  return localAddress === '::' ? '::1' : localAddress
}
