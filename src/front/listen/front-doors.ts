/** The listening side of one front: what the supervisor orders, with the TLS files of each side read once. */

import type { Config } from '../../config/config.js'
import type { Logger } from '../../metrics/logger.js'
import type { BindAddress } from '../../listen/bind-addresses.js'
import type { DoorControl, Listening, ListenOrder } from '../../listen/door-control.js'
import type { ClientListener, ListenOptions } from './client-socket.js'
import { describeListenError } from '../../listen/port-probe-socket.js'
import { openTlsMaterial, type TlsMaterial } from '../../listen/tls-material-file.js'

export type FrontControl = DoorControl

type Side = 'client' | 'peer'

export class FrontDoors implements FrontControl {
  /** A listener for clients that takes any port has taken this one. */
  onPortTaken: (port: number) => void = () => undefined
  readonly #listener: ClientListener
  readonly #config: Config
  readonly #logger: Logger
  readonly #materials = new Map<Side, TlsMaterial>()

  constructor(listener: ClientListener, config: Config, logger: Logger) {
    this.#listener = listener
    this.#config = config
    this.#logger = logger
  }

  async listen(address: BindAddress, order: ListenOrder): Promise<Listening | null> {
    const options = await this.#options(order)
    try {
      const listening = await this.#listener.listen(address, options)
      const isAny = address.kind === 'tcp' && address.port === 0 && (order.role === 'client' || order.role === 'grpc')
      if (listening !== null && isAny) this.onPortTaken(listening.port)
      return listening
    } catch (error) {
      // Nothing but the message travels to the supervisor.
      throw new Error(describeListenError(address, error as NodeJS.ErrnoException), { cause: error })
    }
  }

  async listenOn(fd: number, order: ListenOrder): Promise<void> {
    await this.#listener.listenOnDescriptor(fd, await this.#options(order))
  }

  async #options(order: ListenOrder): Promise<ListenOptions> {
    const { role, isPlain, isTls } = order
    const base = { role, reusePort: this.#config.socketReusePort }
    if (!isTls) return base
    return { ...base, tls: await this.#material(role === 'peer' ? 'peer' : 'client'), isPlainToo: isPlain }
  }

  async #material(side: Side): Promise<TlsMaterial> {
    const known = this.#materials.get(side)
    if (known !== undefined) return known
    const config = side === 'peer' ? this.#config.peerTls : this.#config.clientTls
    if (config === null) throw new Error(`no TLS is configured for ${side}s`)
    const opened = await openTlsMaterial(config, this.#logger)
    if (!opened.ok) throw new Error(opened.message)
    this.#materials.set(side, opened.material)
    return opened.material
  }
}
