/**
 * Asks every question of `gateway-questions.ts` of the gateways of etcd 3.4.23 and of raftring, and compares
 * status, content type and body. Differences that are meant stand in `differences.tsv` beside this file; any other
 * fails, and so does a listed one that is gone. `--self` compares etcd with etcd, which must show none; `--print`
 * prints rows for the differences found.
 */

import { methods } from '../../../src/proto/schema.js'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import type { Report } from '../../support/report.js'
import { ListedDifferences, Titles } from '../tools/listed-differences.js'
import { IS_SELF, PAIR_OPTIONS, withServerPair } from '../tools/server-pair.js'
import { GatewayAsker, titleOf } from './gateway-request.js'
import { QUESTIONS } from './gateway-questions.js'

const PORTS = [21_030, 21_032] as const
const DIFFERENCES = 'test/compat/gateway/differences.tsv'

async function main(): Promise<void> {
  scriptOptions({
    does: 'Requests to the JSON gateways of etcd and of raftring: answers must be the same.',
    options: PAIR_OPTIONS,
  })
  await withServerPair(PORTS, async (report) => {
    checkPaths(report)
    await compareAll(report, ListedDifferences.read(IS_SELF ? null : DIFFERENCES))
  })
}

function checkPaths(report: Report): void {
  const asked = new Set(QUESTIONS.map((question) => question.path))
  const missing = [...methods.values()].flatMap(({ rpc }) => rpc.gatewayPaths).filter((it) => !asked.has(it))
  if (missing.length === 0) report.pass('every path is asked')
  else report.fail('every path is asked', `not asked: ${missing.join(', ')}`)
}

async function compareAll(report: Report, listed: ListedDifferences): Promise<void> {
  const [etcd, ours] = [new GatewayAsker(PORTS[0]), new GatewayAsker(PORTS[1])]
  const titles = new Titles()
  for (const question of QUESTIONS) {
    const title = titles.of(titleOf(question))
    listed.judge(report, title, await etcd.ask(question), await ours.ask(question))
  }
  listed.end(report)
}

await main()
