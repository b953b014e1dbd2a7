/**
 * Asks every question of `gateway-questions.ts` of the gateways of etcd 3.4.23 and of raftring, and compares
 * status, content type and body. Differences that are meant stand in `differences.tsv` beside this file; any other
 * fails, and so does a listed one that is gone. `--self` compares etcd with etcd, which must show none; `--print`
 * prints rows for the differences found.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { methods } from '../../../src/proto/schema.js'
import { Report } from '../../support/report.js'
import { ServerProcess, type ServerKind } from '../../support/server-process.js'
import { GatewayAsker, titleOf } from './gateway-request.js'
import { QUESTIONS } from './gateway-questions.js'

interface Listed {
  readonly etcd: string
  readonly ours: string
}

const PORTS = [21_030, 21_032] as const
const ADVERTISED_PEER_PORT = 21_019
const DIFFERENCES = 'test/compat/gateway/differences.tsv'

async function main(): Promise<void> {
  const isSelf = process.argv.includes('--self')
  const report = new Report('')
  const directory = mkdtempSync(path.join(tmpdir(), 'raftring-gateway-'))
  const kinds: readonly [ServerKind, ServerKind] = ['etcd', isSelf ? 'etcd' : 'raftring']
  const servers: ServerProcess[] = []
  try {
    for (const [i, kind] of kinds.entries()) {
      const clientPort = PORTS[i] as number
      servers.push(
        await ServerProcess.start({
          kind,
          dataDir: path.join(directory, `${i}`),
          clientPort,
          peerPort: clientPort + 1,
          advertisePeerPort: ADVERTISED_PEER_PORT,
        }),
      )
    }
    checkPaths(report)
    await compareAll(report, isSelf ? new Map() : readDifferences())
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

function checkPaths(report: Report): void {
  const asked = new Set(QUESTIONS.map((question) => question.path))
  const missing = [...methods.values()].flatMap(({ rpc }) => rpc.gatewayPaths).filter((it) => !asked.has(it))
  if (missing.length === 0) report.pass('every path is asked')
  else report.fail('every path is asked', `not asked: ${missing.join(', ')}`)
}

async function compareAll(report: Report, listed: ReadonlyMap<string, Listed>): Promise<void> {
  const [etcd, ours] = [new GatewayAsker(PORTS[0]), new GatewayAsker(PORTS[1])]
  const seen = new Map<string, number>()
  const unused = new Set(listed.keys())
  for (const question of QUESTIONS) {
    const count = (seen.get(titleOf(question)) ?? 0) + 1
    seen.set(titleOf(question), count)
    const title = count === 1 ? titleOf(question) : `${titleOf(question)} #${count}`
    const [etcdText, oursText] = [await etcd.ask(question), await ours.ask(question)]
    const row = listed.get(title)
    unused.delete(title)
    if (etcdText === oursText) {
      if (row === undefined) report.pass(title)
      else report.fail(title, 'a listed difference is gone: take its row out of differences.tsv')
    } else if (row?.etcd === etcdText && row.ours === oursText) {
      report.pass(`${title} (listed difference)`)
    } else {
      if (process.argv.includes('--print')) console.log(`ROW\t${[title, etcdText, oursText, '?'].join('\t')}`)
      const was = row === undefined ? '' : `\nlisted etcd: ${row.etcd}\nlisted ours: ${row.ours}`
      report.fail(title, `etcd 3.4.23: ${etcdText}\nraftring:    ${oursText}${was}`)
    }
  }
  for (const title of unused) report.fail(title, 'a row of differences.tsv names no question')
}

function readDifferences(): Map<string, Listed> {
  const rows = readFileSync(DIFFERENCES, 'utf8').split('\n').slice(1).filter((line) => line !== '')
  return new Map(
    rows.map((line) => {
      const [request = '', etcd = '', ours = '', row = ''] = line.split('\t')
      if (row === '') throw new Error(`differences.tsv: a row without its reason: ${line}`)
      return [request, { etcd, ours }]
    }),
  )
}

await main()
