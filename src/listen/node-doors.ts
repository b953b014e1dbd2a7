/**
 * All listeners of a node: what can be known to fail is found out before any thread starts, so that a taken port or a
 * broken certificate is one clear line; then every front is told what to listen on.
 */

import type { Config } from '../config/config.js'
import type { ListenerRole } from '../config/sections/listeners.js'
import type { TlsSide } from '../config/sections/tls-config.js'
import type { ListenUrl } from '../config/urls.js'
import type { Logger } from '../metrics/logger.js'
import { bindAddresses, type BindAddress } from './bind-addresses.js'
import type { DoorControl, ListenOrder } from './door-control.js'
import { probe } from './port-probe-socket.js'
import { ensureSelfSigned } from './self-signed-file.js'
import { tlsProblem } from './tls-material-file.js'

/** An address that a node has opened. */
export interface OpenDoor {
  readonly role: ListenerRole
  readonly url: ListenUrl
  /** The URL with the port that was bound. */
  readonly text: string
}

/** Why this node could not listen as it is told, or null. Nothing is left behind. */
export async function listenersProblem(config: Config): Promise<string | null> {
  for (const side of [config.clientTls, config.peerTls]) {
    if (side === null || side.isSelfSigned) continue
    const problem = await tlsProblem(side)
    if (problem !== null) return problem
  }
  if (config.socketReusePort) return null
  for (const { url } of config.listeners) {
    for (const address of bindAddresses(url)) {
      const problem = await probe(address)
      if (problem !== null) return problem
    }
  }
  return null
}

/** Makes the certificates that this node is to make for itself, in its data directory. */
export async function makeCertificates(config: Config, logger: Logger, wallMs: number): Promise<void> {
  const sides: [TlsSide | null, boolean][] = [[config.clientTls, false], [config.peerTls, true]]
  for (const [tls, isForMembers] of sides) {
    if (tls?.isSelfSigned !== true) continue
    const hosts = config.listeners.filter(({ role }) => (role === 'peer') === isForMembers).map(({ url }) => url.host)
    const options = { tls, hosts: [...new Set(hosts)], years: config.selfSignedYears, isForMembers, wallMs }
    if (!(await ensureSelfSigned(options))) continue
    logger.info('main', 'created a self-signed certificate', { cert: tls.certFile, hosts: options.hosts })
  }
}

export type OpenResult =
  | { readonly ok: true; readonly doors: readonly OpenDoor[] }
  | { readonly ok: false; readonly message: string }

/** Opens what has one of these roles; `actor` gives the control calls of one of the actors that listen for them. */
export async function openListeners(
  config: Config,
  roles: readonly ListenerRole[],
  actor: (index: number) => DoorControl,
): Promise<OpenResult> {
  const doors: OpenDoor[] = []
  for (const listener of config.listeners) {
    const { url, role, isPlain, isTls } = listener
    if (!roles.includes(role)) continue
    const fronts = Array.from({ length: isServedByAll(role) ? config.frontWorkers : 1 }, (_, index) => actor(index))
    let port = url.port
    for (const address of bindAddresses(url)) {
      try {
        // The addresses of one name share a port that is any.
        const bound = address.kind === 'tcp' ? { ...address, port } : address
        port = (await open(bound, { role, isPlain, isTls }, fronts)) ?? port
      } catch (error) {
        return { ok: false, message: (error as Error).message }
      }
    }
    doors.push({ role, url, text: url.text.replace(/:0$/, `:${port}`) })
  }
  return { ok: true, doors }
}

/** The port that was bound; null when the address is left out on this machine. */
async function open(
  address: BindAddress,
  order: ListenOrder,
  [first, ...others]: readonly DoorControl[],
): Promise<number | null> {
  const opened = await first?.listen(address, order)
  if (opened === undefined || opened === null) return null
  for (const front of others) await front.listenOn(opened.fd, order)
  return opened.port
}

/** Scrapes and members are few: one front is enough for them. */
function isServedByAll(role: ListenerRole): boolean {
  return role !== 'metrics' && role !== 'peer'
}
