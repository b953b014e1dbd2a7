/** From the start of a process with data to its first answer. */

import { encodeRangeRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { nowUs } from '../../../src/ctl/load/request-generator.js'
import type { Reading } from '../../support/reading.js'
import { askAll, fill, memoryOf, PREFIX, wait } from './measured.js'
import type { Workload } from './workload.js'

const KEYS = 1_000_000
const QUICK_KEYS = 50_000
const ASK_AGAIN_MS = 5
const PATIENCE_US = 120e6

export const RESTART_WORKLOAD: Workload = {
  name: 'restart with 1 million keys, to the first linearizable range',
  unit: 'restart',
  needsProcess: true,
  async run(target, timing) {
    await fill(target, timing.isQuick ? QUICK_KEYS : KEYS)
    const startMs = await target.restart()
    const acceptedUs = nowUs()
    const request = Buffer.from(encodeRangeRequest({
      key: Buffer.from(PREFIX), range_end: Buffer.from(`${PREFIX}~`), limit: 1,
    }))
    for (;;) {
      const isServed = await askAll(target.host, target.port, '/etcdserverpb.KV/Range', [request]).then(
        (answers) => answers.length === 1, () => false)
      if (isServed) break
      if (nowUs() > acceptedUs + PATIENCE_US) throw new Error('the restarted server does not answer')
      await wait(ASK_AGAIN_MS)
    }
    const tookUs = startMs * 1000 + nowUs() - acceptedUs
    const reading: Reading = {
      perSecond: 1e6 / tookUs, p50Us: tookUs, p99Us: tookUs, p999Us: tookUs,
      serverCpuUs: (await target.cpuSeconds()) * 1e6,
      clientCpuUs: NaN, bytesPerSecond: NaN, errors: 0, firstError: '', curve: [], ...memoryOf(target),
    }
    return reading
  },
}
