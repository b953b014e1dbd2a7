/** Profiles that cannot be made. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { ThreadProfiles } from '../../../src/actor/meter/thread-profiler.js'
import type { FrontContext } from '../../../src/front/front-context.js'
import { DebugPages } from '../../../src/front/pages/debug-pages.js'
import type { ObservedThread } from '../../../src/metrics/observed-node.js'
import { RecordingExchange } from './recording-exchange.js'

test('a profile that cannot be made is an error of its request, and the next one is tried', async () => {
  const logged = new EventTarget()
  const failures: unknown[] = []
  const context = {
    config: { pprof: true },
    // A thread without the page in which it is asked.
    profiles: new ThreadProfiles([{ name: 'gone' } as ObservedThread], 'profiles of nobody'),
    logger: {
      error: (_caller: string, _text: string, fields: unknown) => {
        failures.push(fields)
        queueMicrotask(() => logged.dispatchEvent(new Event('line')))
      },
    },
  } as unknown as FrontContext
  const pages = new DebugPages(context)
  for (const name of ['profile', 'heap']) {
    const exchange = new RecordingExchange(`/debug/pprof/${name}?seconds=1`)
    const line = once(logged, 'line')
    assert.equal(pages.answer(exchange, `/debug/pprof/${name}`), true)
    await line
    assert.equal(exchange.answer, '500 the profile could not be made\n')
  }
  assert.equal(failures.length, 2)
})
