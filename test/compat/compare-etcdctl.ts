/**
 * Runs every command of `etcdctl-commands.ts` against etcd 3.4.23 and against raftring, and
 * compares what is printed. Differences that are meant stand in `differences.tsv`; any other fails,
 * and so does a listed one that is gone. `--self` compares etcd with etcd, which must show none.
 * `--print` prints rows for the differences found.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { EtcdClient } from '../support/etcd-client.js'
import { Report } from '../support/report.js'
import { ServerProcess, type ServerKind } from '../support/server-process.js'
import { FIXED_LEASES } from './etcdctl-command.js'
import { CTL_COMMANDS } from './etcdctl-commands.js'
import { EtcdctlRunner, TOO_FEW_LINES, type CtlResult } from './etcdctl-runner.js'

interface Listed {
  readonly etcd: string
  readonly ours: string
}

const PORTS = [21_010, 21_012] as const
const ADVERTISED_PEER_PORT = 21_019
const SLOW_MS = 3000
const DIFFERENCES = 'test/compat/differences.tsv'

async function main(): Promise<void> {
  const isSelf = process.argv.includes('--self')
  const report = new Report('')
  const directory = mkdtempSync(path.join(tmpdir(), 'raftring-compare-'))
  const kinds: readonly [ServerKind, ServerKind] = ['etcd', isSelf ? 'etcd' : 'raftring']
  const servers: ServerProcess[] = []
  try {
    for (const [i, kind] of kinds.entries()) {
      servers.push(
        await ServerProcess.start({
          kind,
          dataDir: path.join(directory, `${i}`),
          clientPort: PORTS[i] as number,
          peerPort: (PORTS[i] as number) + 1,
          advertisePeerPort: ADVERTISED_PEER_PORT,
        }),
      )
    }
    const runners = await Promise.all(PORTS.map(prepare))
    await compareAll(report, runners, isSelf ? new Map() : readDifferences(), kinds[1])
    // A server that died on the way would fail the rest anyway; say so in one line.
    for (const server of servers) {
      if (server.exit === undefined) report.pass(`${server.spec.kind} still runs`)
      else report.fail(`${server.spec.kind} still runs`, server.log.slice(-2000))
    }
  } finally {
    for (const server of servers) await server.kill()
    rmSync(directory, { recursive: true, force: true })
  }
  report.end()
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

async function compareAll(
  report: Report,
  runners: readonly EtcdctlRunner[],
  listed: ReadonlyMap<string, Listed>,
  ours: ServerKind,
): Promise<void> {
  const seen = new Map<string, number>()
  const unused = new Set(listed.keys())
  for (const command of CTL_COMMANDS) {
    const request = titleOf(command.args, command.stdin, seen)
    const startedAt = performance.now()
    const [etcdText, oursText] = (
      await Promise.all(runners.map((runner) => runner.run(command)))
    ).map(toText)
    const tookMs = performance.now() - startedAt
    if (tookMs > SLOW_MS) console.log(`slow: ${Math.round(tookMs)} ms  ${request.slice(0, 80)}`)
    const row = listed.get(request)
    unused.delete(request)
    if (etcdText?.startsWith(`exit ${TOO_FEW_LINES}`) === true) {
      report.fail(request, `the table asks for more lines than etcd prints: ${etcdText}`)
    } else if (etcdText === oursText) {
      if (row === undefined) report.pass(request)
      else report.fail(request, 'a listed difference is gone: take its row out of differences.tsv')
    } else if (row === undefined) {
      if (process.argv.includes('--print'))
        console.log([request, etcdText, oursText, '?'].join('\t'))
      report.fail(request, `etcd 3.4.23: ${etcdText}\n${ours}: ${oursText}`)
    } else if (row.etcd === etcdText && row.ours === oursText) {
      report.pass(`${request} (listed difference)`)
    } else {
      report.fail(
        request,
        `not the listed difference\nlisted etcd: ${row.etcd}\nfound etcd:  ${etcdText}\n` +
          `listed ours: ${row.ours}\nfound ours:  ${oursText}`,
      )
    }
  }
  for (const request of unused) report.fail(request, 'a row of differences.tsv names no command')
}

/**
 * The command as it stands in the table; its input, and a count where the same line is run again.
 */
function titleOf(
  args: string,
  stdin: string | Buffer | undefined,
  seen: Map<string, number>,
): string {
  const input = typeof stdin === 'string' ? ` < ${JSON.stringify(stdin.slice(0, 200))}` : ''
  const title = `${args}${input}`
  const count = (seen.get(title) ?? 0) + 1
  seen.set(title, count)
  return count === 1 ? title : `${title} #${count}`
}

function toText(result: CtlResult): string {
  const error = result.stderr === '' ? '' : ` stderr ${JSON.stringify(result.stderr)}`
  return `exit ${result.exit} stdout ${JSON.stringify(result.stdout)}${error}`
}

function readDifferences(): Map<string, Listed> {
  const rows = readFileSync(DIFFERENCES, 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
  return new Map(
    rows.map((line) => {
      const [request = '', etcd = '', ours = '', row = ''] = line.split('\t')
      if (row === '') throw new Error(`differences.tsv: a row without its reason: ${line}`)
      return [request, { etcd, ours }]
    }),
  )
}

await main()
