/** A thread with an echo server of its own, on a port of its own or on another thread's descriptor. */

import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { EchoServer } from './echo-server.js'

export interface EchoWorkerStart {
  readonly port: number
  /** -1: listens on `port` itself. */
  readonly fd: number
}

export type EchoWorkerReport =
  | { readonly kind: 'listening'; readonly fd: number }
  | { readonly kind: 'accepted'; readonly accepted: number }
  | { readonly kind: 'closed' }

export type EchoWorkerOrder = 'count' | 'close'

const parent = parentPort as MessagePort
const { port, fd } = workerData as EchoWorkerStart
const server = await EchoServer.start(fd < 0 ? { port } : { fd })

parent.on('message', (order: EchoWorkerOrder) => {
  if (order === 'count') report({ kind: 'accepted', accepted: server.listener.counters.accepted })
  else void server.close(5000).then(() => report({ kind: 'closed' }))
})
report({ kind: 'listening', fd: server.fd })

function report(message: EchoWorkerReport): void {
  parent.postMessage(message)
}
