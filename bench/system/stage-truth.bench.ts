/**
 * The stages of requests against a clock outside: on one connection, the time from writing a put to reading its answer,
 * less what the way there and back takes, beside the sum of the put's stages as the server counted them.
 *
 *   npm run build && node dist/bench/system/stage-truth.bench.js [--requests 10000] [--flags "..."] [--json]
 *
 * The way is measured with a call that does nearly nothing, made before every put so that both find the machine in the
 * same mood: a serializable read of a key that is not there. It spends time in the server as well, which the server
 * counts (`read_total`); the way is the rest. The check holds where 95 % of the puts are within 5 % or 20 us. Beside it
 * stands what comes out when all of that call's time is taken off, the server's part of it too.
 */

import { encodeRangeRequest } from '../../src/proto/generated/etcdserverpb.js'
import type { StagePage } from '../../src/front/pages/stage-page.js'
import { BUCKET_COUNT, bucketUpperMs } from '../../src/metrics/stage-histogram.js'
import { H2Client } from '../../src/ctl/load/h2-client.js'
import { nowUs } from '../../src/ctl/load/request-generator.js'
import { ServerUnderLoad } from '../../src/ctl/load/server-under-load.js'
import { makePuts, puts } from '../../src/ctl/load/kv-requests.js'
import { scriptOptions } from '../../scripts/support/script-options.js'

const PORT = 24_180
const WARMUP_REQUESTS = 3000
/** Asked for after so many puts, before the server's list has gone round. */
const PAGE_REQUESTS = 500
const NEAR_US = 20
const NEAR_SHARE = 0.05
const GOOD_SHARE = 0.95
const NO_OP = '/etcdserverpb.KV/Range'

const { values: options } = scriptOptions({
  does: 'The stages of puts as the server counts them beside a clock outside; 95 % have to be within 5 % or 20 us.',
  options: {
    requests: { type: 'count', default: 10_000, min: 1, text: 'how many puts, one at a time' },
    flags: { type: 'flags', text: 'for the server' },
    json: { type: 'switch', text: 'prints the result as JSON' },
  },
})

interface Sample {
  readonly putsUs: readonly number[]
  readonly stagesUs: readonly number[]
  readonly noOpUs: number
  /** The server's part of it. */
  readonly noOpStagesUs: number
}

/** One call at a time, and how long each took. */
class Caller {
  #client: H2Client | null = null
  #answered: (status: number) => void = () => undefined

  static async connect(port: number): Promise<Caller> {
    const caller = new Caller()
    caller.#client = await H2Client.connect('127.0.0.1', port, {
      onMessage: () => undefined,
      onEnd: (_, status) => caller.#answered(status),
      onClosed: () => undefined,
    })
    return caller
  }

  close(): void {
    this.#client?.close()
  }

  async call(method: string, bytes: Buffer, length: number): Promise<number> {
    const startedUs = nowUs()
    const answered = new Promise<number>((resolve, reject) => {
      this.#answered = (status) => {
        if (status === 0) resolve(nowUs() - startedUs)
        else reject(new Error(`${method} was answered with status ${status}`))
      }
    })
    this.#client?.call(0, method, bytes, length)
    this.#client?.flush()
    return answered
  }
}

async function main(): Promise<void> {
  const { flags, requests } = options
  const server = await ServerUnderLoad.start({ kind: 'raftring', port: PORT, cores: null, flags })
  try {
    const caller = await Caller.connect(PORT)
    await sample(caller, WARMUP_REQUESTS)
    report(await sample(caller, requests))
    caller.close()
  } finally {
    await server.stop()
  }
}

async function sample(caller: Caller, requests: number): Promise<Sample> {
  const generator = makePuts(puts({ prefix: 'truth/', keys: 1000, valueBytes: 256 }).options)
  const put = Buffer.alloc(generator.bytesMax)
  const noOp = Buffer.from(encodeRangeRequest({ key: Buffer.from('absent'), serializable: true }))
  const putsUs: number[] = []
  const noOpUs: number[] = []
  const stagesUs: number[] = []
  const before = await page()
  let next = before.fronts[0]?.next ?? 0
  for (let sequence = 0; sequence < requests; sequence++) {
    noOpUs.push(await caller.call(NO_OP, noOp, noOp.length))
    putsUs.push(await caller.call(generator.method, put, generator.write(put, 0, sequence)))
    if ((sequence + 1) % PAGE_REQUESTS !== 0 && sequence + 1 < requests) continue
    const [front] = (await page(`?recent=1000&from=${next}`)).fronts
    next = front?.next ?? 0
    for (const { stagesMs } of front?.recent ?? []) stagesUs.push(1000 * stagesMs.reduce((a, b) => a + b, 0))
  }
  if (stagesUs.length !== requests) throw new Error(`${requests} puts, but ${stagesUs.length} in the server's list`)
  return { putsUs, stagesUs, noOpUs: median(noOpUs), noOpStagesUs: medianOfReads(before, await page()) }
}

/** The middle of the bucket that the median of `read_total` between two pages falls into. */
function medianOfReads(before: StagePage, after: StagePage): number {
  const counts = new Float64Array(BUCKET_COUNT)
  for (const [page, sign] of [[before, -1], [after, 1]] as const) {
    const stage = page.stages.find((one) => one.stage === 'read_total')
    for (const [bucket, count] of stage?.buckets ?? []) counts[bucket] = (counts[bucket] as number) + sign * count
  }
  const half = counts.reduce((a, b) => a + b, 0) / 2
  let sum = 0
  const bucket = counts.findIndex((count) => (sum += count) >= half)
  return 500 * (bucketUpperMs(bucket - 1) + bucketUpperMs(bucket))
}

async function page(query = ''): Promise<StagePage> {
  return (await (await fetch(`http://127.0.0.1:${PORT}/debug/stages${query}`)).json()) as StagePage
}

function report({ putsUs, stagesUs, noOpUs, noOpStagesUs }: Sample): void {
  const wayUs = noOpUs - noOpStagesUs
  const check = compare(putsUs.map((us) => us - wayUs), stagesUs)
  const result = {
    requests: putsUs.length,
    putMedianUs: median(putsUs),
    stagesMedianUs: median(stagesUs),
    noOpMedianUs: noOpUs,
    wayUs,
    ...check,
    holds: check.nearShare >= GOOD_SHARE,
    lessWholeNoOp: compare(putsUs.map((us) => us - noOpUs), stagesUs),
  }
  console.log(options.json ? JSON.stringify(result) : result)
  if (!result.holds) process.exitCode = 1
}

function compare(outsideUs: readonly number[], stagesUs: readonly number[]) {
  const apart = stagesUs.map((us, i) => us - (outsideUs[i] as number))
  const near = apart.filter((us, i) => Math.abs(us) <= Math.max(NEAR_US, NEAR_SHARE * (outsideUs[i] as number)))
  return {
    nearShare: near.length / apart.length,
    apartP5Us: quantile(apart, 0.05),
    apartMedianUs: median(apart),
    apartP95Us: quantile(apart, 0.95),
  }
}

function median(list: readonly number[]): number {
  return quantile(list, 0.5)
}

function quantile(list: readonly number[], share: number): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? NaN
}

await main()
