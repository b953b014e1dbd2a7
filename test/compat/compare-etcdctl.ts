/**
 * Runs every command of `etcdctl-commands.ts` against etcd 3.4.23 and against raftring, and
 * compares what is printed. Differences that are meant stand in `differences.tsv`; any other fails,
 * and so does a listed one that is gone. `--self` compares etcd with etcd, which must show none.
 * `--print` prints rows for the differences found.
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { ALARM, ALARM_ACTION, MaintenanceClient } from '../space/maintenance-client.js'
import { EtcdClient } from '../support/etcd-client.js'
import { present } from '../support/expect.js'
import type { Report } from '../support/report.js'
import { FIXED_LEASES } from './etcdctl-command.js'
import { CTL_COMMANDS } from './etcdctl-commands.js'
import { EtcdctlRunner, TOO_FEW_LINES, type CtlResult } from './etcdctl-runner.js'
import { ListedDifferences, Titles } from './tools/listed-differences.js'
import { IS_SELF, PAIR_OPTIONS, withServerPair } from './tools/server-pair.js'

const PORTS = [21_010, 21_012] as const
const SLOW_MS = 3000
const DIFFERENCES = 'test/compat/differences.tsv'

async function main(): Promise<void> {
  scriptOptions({
    does: 'Every command of etcdctl against etcd and against raftring: both must print the same.',
    options: PAIR_OPTIONS,
  })
  await withServerPair(PORTS, async (report) => {
    const runners = (await Promise.all(PORTS.map(prepare))) as [EtcdctlRunner, EtcdctlRunner]
    await compareAll(report, runners, ListedDifferences.read(IS_SELF ? null : DIFFERENCES))
  })
}

async function prepare(port: number): Promise<EtcdctlRunner> {
  const runner = new EtcdctlRunner(port)
  const client = new EtcdClient(`127.0.0.1:${port}`)
  for (const { name, id, ttl } of FIXED_LEASES) {
    await client.leaseGrant({ id, ttl })
    runner.nameLease(name, id)
  }
  client.close()
  return runner
}

async function raiseAlarm(port: number): Promise<void> {
  const client = new EtcdClient(`127.0.0.1:${port}`)
  const { memberId } = present((await client.status()).header)
  await new MaintenanceClient(client).alarm(ALARM_ACTION.ACTIVATE, ALARM.NOSPACE, memberId)
  client.close()
}

async function compareAll(
  report: Report,
  [etcd, ours]: readonly [EtcdctlRunner, EtcdctlRunner],
  listed: ListedDifferences,
): Promise<void> {
  const titles = new Titles()
  for (const command of CTL_COMMANDS) {
    const request = titles.of(titleOf(command.args, command.stdin))
    if (command.raisesAlarm === true) await Promise.all(PORTS.map(raiseAlarm))
    const startedAt = performance.now()
    const [etcdResult, oursResult] = await Promise.all([etcd.run(command), ours.run(command)])
    const tookMs = performance.now() - startedAt
    if (tookMs > SLOW_MS) console.log(`slow: ${Math.round(tookMs)} ms  ${request.slice(0, 80)}`)
    const etcdText = toText(etcdResult)
    if (etcdText.startsWith(`exit ${TOO_FEW_LINES}`)) {
      report.fail(request, `the table asks for more lines than etcd prints: ${etcdText}`)
    } else listed.judge(report, request, etcdText, toText(oursResult))
  }
  listed.end(report)
}

/** The command as it stands in the table, and its input. */
function titleOf(args: string, stdin: string | Buffer | undefined): string {
  const input = typeof stdin === 'string' ? ` < ${JSON.stringify(stdin.slice(0, 200))}` : ''
  return `${args}${input}`
}

function toText(result: CtlResult): string {
  const error = result.stderr === '' ? '' : ` stderr ${JSON.stringify(result.stderr)}`
  return `exit ${result.exit} stdout ${JSON.stringify(result.stdout)}${error}`
}

await main()
