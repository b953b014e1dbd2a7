/** What the supervisor may ask of an actor that listens. */

import type { ListenerRole } from '../config/sections/listeners.js'
import type { BindAddress } from './bind-addresses.js'

export interface ListenOrder {
  readonly role: ListenerRole
  readonly isPlain: boolean
  readonly isTls: boolean
}

export interface Listening {
  /** For `listenOn` on other threads of this process. */
  readonly fd: number
  /** 0 for a unix socket. */
  readonly port: number
}

export interface DoorControl {
  /** Binds an address and accepts. Null when it is left out; rejects with the reason in etcd's words. */
  listen(address: BindAddress, order: ListenOrder): Promise<Listening | null>
  /** Accepts on an address that another actor of the kind has bound. */
  listenOn(fd: number, order: ListenOrder): Promise<void>
}
