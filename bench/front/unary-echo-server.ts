/** A front's transport with a service that answers at once, in a process of its own: its CPU is the transport's own. */

import { systemClock } from '../../src/base/system-clock.js'
import { ClientListener } from '../../src/front/listen/client-socket.js'
import { throwingLogger } from '../../test/support/throwing-logger.js'
import type { GrpcCall, GrpcService } from '../../src/front/grpc/grpc-call.js'
import { GrpcServer } from '../../src/front/grpc/grpc-server.js'
import { Http2Counters } from '../../src/front/http2/session/http2-counters.js'
import { http2Limits } from '../../src/front/http2/session/http2-limits.js'
import { OutputPool } from '../../src/front/http2/session/output-pool.js'

const service: GrpcService = {
  onCallStart: () => undefined,
  onMessage: (call: GrpcCall, bytes: Buffer, start: number, end: number) => {
    const at = call.reserveMessage(end - start)
    if (at < 0) call.sendMessage(bytes, start, end)
    else bytes.copy(call.output, at, start, end)
  },
  onHalfClose: (call: GrpcCall) => call.finish(0, ''),
  onCancel: () => undefined,
  onWritable: () => undefined,
}

const counters = new Http2Counters()
let isTurnDue = false

const listener = new ClientListener({
  clock: systemClock,
  session: {
    limits: http2Limits(),
    counters,
    pool: new OutputPool(),
    handler: new GrpcServer({ service, messageBytesMax: 2 ** 21 }),
  },
  carriers: {},
  connectionsMax: 10_000,
  onActivity: () => {
    if (isTurnDue) return
    isTurnDue = true
    setImmediate(turn)
  },
  logger: throwingLogger,
})

function turn(): void {
  isTurnDue = false
  const nowMs = systemClock.nowMs()
  listener.onDeadline(nowMs)
  listener.flush(nowMs)
}

await listener.listen({ kind: 'tcp', host: '127.0.0.1', port: Number(process.argv[2]) }, { role: 'client' })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ user, system, blocks: counters.headerBlocksFromCache, streams: counters.streamsOpened })
})
process.send?.('listening')
