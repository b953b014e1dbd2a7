/** A reader of the log that stops reading delays no request; the lines that it misses are counted. */

import { strict as assert } from 'node:assert'
import { after, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { present } from '../support/expect.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

/** Far more than a pipe and the log's ring hold together. */
const PUTS_ASKED = 4000
const PUTS_AT_ONCE = 20
/** Each is a line of the front's own, some two hundred octets long: more than its ring holds. */
const COMPACTIONS_ASKED = 700
const CATCH_UP_ROUNDS_MAX = 2000
const REQUEST_MS_MAX = 2000

test('requests are answered while nobody reads the log, and what was lost is counted', async () => {
  const server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('data'),
    clientPort: 21_240,
    peerPort: 21_241,
    flags: ['--log-level', 'debug'],
    deafAfterReady: true,
  })
  const client = new EtcdClient(server.endpoint)
  let slowestMs = 0
  const timed = async <T>(request: Promise<T>): Promise<T> => {
    const startedAt = performance.now()
    const answer = await request
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    return answer
  }
  // The log is asked for all counters again and again: the pipe is full, and so is the ring of the main thread.
  for (let i = 0; i < PUTS_ASKED / PUTS_AT_ONCE; i++) {
    server.signal('SIGUSR2')
    const puts = Array.from({ length: PUTS_AT_ONCE }, (_, j) => client.put({ key: `k${j}`, value: `${i}` }))
    await timed(Promise.all(puts))
  }
  // The front logs no more than a few slow requests a second, but at debug level it says that it hashed a compaction.
  const compactOnce = async (): Promise<void> => {
    const { header } = await timed(client.put({ key: 'compacted', value: 'v' }))
    await timed(client.compact({ revision: present(header).revision }))
  }
  for (let i = 0; i < COMPACTIONS_ASKED; i++) await compactOnce()
  assert(slowestMs < REQUEST_MS_MAX, `a request took ${slowestMs} ms`)
  const last = `${PUTS_ASKED / PUTS_AT_ONCE - 1}`
  assert.equal((await client.range({ key: 'k0' })).kvs[0]?.value.toString(), last)
  // The first line of a thread that finds room again says how many it lost.
  server.listen()
  const lostBy = (caller: string): number => {
    return Number(new RegExp(`"caller":"${caller}".*"droppedLines":(\\d+)`, 'u').exec(server.log)?.[1] ?? 0)
  }
  for (let i = 0; i < CATCH_UP_ROUNDS_MAX && (lostBy('main') === 0 || lostBy('front') === 0); i++) {
    server.signal('SIGUSR2')
    await compactOnce()
  }
  assert(lostBy('main') > 0)
  assert(lostBy('front') > 0)
  client.close()
  assert.deepEqual(await server.stop(), { code: 0, signal: null })
})
