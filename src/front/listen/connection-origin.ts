/** Through which door a connection came in, and who its client proved to be. */

import type { ListenerRole } from '../../config/sections/listeners.js'

export interface ConnectionOrigin {
  readonly role: ListenerRole
  readonly isSecure: boolean
  /** The common name of a client certificate that was verified; empty without one. */
  readonly certificateName: string
}

export const PLAIN_CLIENT: ConnectionOrigin = Object.freeze({ role: 'client', isSecure: false, certificateName: '' })

const origins = new WeakMap<object, ConnectionOrigin>()

/** Remembered for sockets that go on to an HTTP server, whose requests know nothing but their socket. */
export function rememberOrigin(socket: object, origin: ConnectionOrigin): void {
  origins.set(socket, origin)
}

export function originOf(socket: object): ConnectionOrigin {
  return origins.get(socket) ?? PLAIN_CLIENT
}
