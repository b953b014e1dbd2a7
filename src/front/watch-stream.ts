/** The client's side of watching: one gRPC stream and the watchers on it, under the client's own watch ids. */

import type { Bytes } from '../base/bytes.js'
import type { GrpcCall } from './grpc/grpc-call.js'

export interface Watcher {
  /** The front's number for it, which is what other actors know. */
  readonly number: number
  readonly stream: WatchStream
  /** The client's number for it; negative ones are possible, -1 is not. */
  readonly watchId: number
  readonly fragment: boolean
  /** The client has been told that it exists. */
  isCreated: boolean
  isCanceling: boolean
}

/** A created response that waits for the ones before it. */
export type PendingCreate = Watcher | FailedCreate

export interface FailedCreate {
  readonly failure: string
}

export class WatchStream {
  readonly number: number
  readonly call: GrpcCall
  /** Index of the watch worker that has all watchers of this stream. */
  readonly worker: number
  readonly watchers = new Map<number, Watcher>()
  readonly creates: PendingCreate[] = []
  isPaused = false
  #nextId = 0

  constructor(number: number, call: GrpcCall, worker: number) {
    this.number = number
    this.call = call
    this.worker = worker
  }

  /** The next free id, from 0 upward. */
  freeId(): number {
    while (this.watchers.has(this.#nextId)) this.#nextId++
    return this.#nextId++
  }
}

/** A request to a watch worker that found its ring full; sent later, in order. */
export interface DeferredOrder {
  readonly kind: 'create' | 'cancel' | 'closeStream' | 'progress' | 'pause' | 'resume'
  readonly worker: number
  readonly watcher: number
  readonly stream: number
  readonly options: number
  readonly startRevision: number
  readonly key: Bytes
  readonly rangeEnd: Bytes
}
