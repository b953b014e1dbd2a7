/** What a benchmark asks: a server that it starts itself, or one that runs somewhere. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Metrics } from '../../src/ctl/view/metrics-text.js'
import { addressOf, PageClient } from '../../src/ctl/view/page-client.js'
import { ServerUnderLoad, freePort, type ServerKind } from '../../src/ctl/load/server-under-load.js'

export interface Target {
  readonly host: string
  readonly port: number
  /** CPU of the whole server so far; NaN where it does not tell. */
  cpuSeconds(): Promise<number>
  /** Null for one that was not started here. */
  readonly process: ServerUnderLoad | null
  /** Ends the process and starts it again on its data; returns how long it took until it accepted connections. */
  restart(): Promise<number>
  stop(): Promise<void>
}

/** How targets of one kind come about; each measurement has a fresh one. */
export interface TargetKind {
  readonly label: string
  start(): Promise<Target>
}

export interface LocalOptions {
  readonly label: string
  readonly kind: ServerKind
  readonly program?: string
  readonly flags: readonly string[]
  readonly cores: string | null
  readonly parent?: string
}

export function localKind(options: LocalOptions): TargetKind {
  return {
    label: options.label,
    start: async () => LocalTarget.start(options, await freePort()),
  }
}

class LocalTarget implements Target {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #options: LocalOptions
  #server: ServerUnderLoad

  private constructor(options: LocalOptions, server: ServerUnderLoad) {
    this.port = server.port
    this.#options = options
    this.#server = server
  }

  static async start(options: LocalOptions, port: number): Promise<LocalTarget> {
    return new LocalTarget(options, await ServerUnderLoad.start({ ...options, port }))
  }

  get process(): ServerUnderLoad {
    return this.#server
  }

  async cpuSeconds(): Promise<number> {
    return this.#server.cpuSeconds()
  }

  async restart(): Promise<number> {
    const { directory, port } = this.#server
    await this.#server.stop({ keepsData: true })
    this.#server = await ServerUnderLoad.start({ ...this.#options, port, directory })
    return this.#server.startMs
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }
}

/** Of an endpoint the metrics tell the CPU time. */
export function endpointKind(endpoint: string): TargetKind {
  const { address } = addressOf(endpoint)
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon)
  const port = Number(address.slice(colon + 1))
  const client = new PageClient({
    endpoint: address, timeoutMs: 5000, caFile: '', certFile: '', keyFile: '', insecureSkipVerify: false,
  })
  const target: Target = {
    host,
    port,
    process: null,
    cpuSeconds: async () => {
      const page = await client.get('/metrics').catch(() => null)
      if (page?.status !== 200) return NaN
      return new Metrics(page.body.toString()).value('process_cpu_seconds_total') || NaN
    },
    restart: () => Promise.reject(new Error('a server that was not started here is not restarted')),
    stop: async () => undefined,
  }
  return { label: address, start: async () => target }
}

/** Answers whatever comes at once: what it reaches is the driver's own ceiling. */
export function noOpKind(label: string): TargetKind {
  return { label, start: startNoOp }
}

async function startNoOp(): Promise<Target> {
  const child = fork(fileURLToPath(new URL('./no-op-http-server.js', import.meta.url)))
  const [port] = (await once(child, 'message')) as [number]
  return {
    host: '127.0.0.1',
    port,
    process: null,
    cpuSeconds: async () => NaN,
    restart: () => Promise.reject(new Error('a server that does nothing has nothing to come back to')),
    stop: async () => {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
