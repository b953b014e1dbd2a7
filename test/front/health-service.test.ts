/** The health service while a defragmentation is asked for, with its feature gate and without. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HealthService } from '../../src/front/health-service.js'
import type { GrpcCall } from '../../src/front/grpc/grpc-call.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { decodeHealthCheckResponse, encodeHealthCheckRequest } from '../../src/proto/generated/grpc-health-v1.js'

const [SERVING, NOT_SERVING, SERVICE_UNKNOWN] = [1, 2, 3]

class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly health: HealthService
  readonly heard: number[] = []

  constructor(stopsOnDefrag: boolean) {
    this.health = new HealthService(this.words, stopsOnDefrag)
  }

  /** A call whose messages are noted, as far as the service uses one. */
  call(): GrpcCall {
    const noted = {
      isOver: false,
      sendMessage: (bytes: Uint8Array) => {
        this.heard.push(decodeHealthCheckResponse(Buffer.from(bytes), 0, bytes.length).status)
      },
      finish: () => undefined,
    }
    return noted as unknown as GrpcCall
  }

  watch(service: string): GrpcCall {
    const call = this.call()
    const bytes = Buffer.from(encodeHealthCheckRequest({ service }))
    this.health.watch(call, bytes, 0, bytes.length)
    return call
  }

  check(): number {
    this.health.check(this.call(), Buffer.alloc(0), 0, 0)
    return this.heard.pop() ?? -1
  }
}

test('with StopGRPCServiceOnDefrag it is not serving from the request to its end, and watchers hear of both', () => {
  const rig = new Rig(true)
  const call = rig.watch('')
  rig.watch('nobody')
  assert.deepEqual(rig.heard.splice(0), [SERVING, SERVICE_UNKNOWN])
  assert.equal(rig.check(), SERVING)
  rig.words.add(Word.shrinkAsked, 1)
  assert.equal(rig.check(), NOT_SERVING)
  assert.ok(rig.health.hasChanged())
  assert.equal(rig.health.tell(), 1)
  assert.equal(rig.health.tell(), 0)
  rig.words.store(Word.shrinkAnswered, 1)
  rig.health.tell()
  assert.deepEqual(rig.heard.splice(0), [NOT_SERVING, SERVING])
  assert.equal(rig.check(), SERVING)
  rig.health.onWatchClosed(call)
  rig.words.add(Word.shrinkAsked, 1)
  assert.equal(rig.health.tell(), 0)
  assert.deepEqual(rig.heard, [])
})

test('without the gate it is serving all the time', () => {
  const rig = new Rig(false)
  rig.watch('')
  rig.words.add(Word.shrinkAsked, 1)
  assert.equal(rig.check(), SERVING)
  assert.equal(rig.health.hasChanged(), false)
})
