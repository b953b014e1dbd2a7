/**
 * Lets the same things happen to a three-member etcd 3.4.23 and to a three-member raftring, with TLS between members
 * and for a while with users, and compares what etcdctl prints at every step. Differences that are meant stand in
 * `differences.tsv`; any other fails, and so does a listed one that is gone. `--self` compares etcd with etcd, which
 * must show none. `--print` prints rows for what is found.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { TestAuthority } from '../../support/certificates.js'
import { ClusterProcess } from '../../support/cluster/cluster-process.js'
import { Report } from '../../support/report.js'
import type { ServerKind } from '../../support/server-process.js'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.js'
import { STORY } from './cluster-story.js'
import { NamedCluster } from './story-cluster.js'

interface Listed {
  /** Null where it depends on time. */
  readonly etcd: string | null
  readonly ours: string
}

const SIZE = 3
const DIFFERENCES = 'test/compat/cluster/differences.tsv'

async function main(): Promise<void> {
  const isSelf = process.argv.includes('--self')
  const kinds: readonly [ServerKind, ServerKind] = ['etcd', isSelf ? 'etcd' : 'raftring']
  const report = new Report('')
  const directory = temporaryDirectory()
  const flags = await peerTlsFlags(directory)
  const clusters = await Promise.all(kinds.map((kind) => {
    return ClusterProcess.start({ size: SIZE, kind, flags, spec: { peerScheme: 'https' } })
  }))
  try {
    await Promise.all(clusters.map((cluster) => cluster.leader()))
    const [etcd, ours] = clusters.map((cluster) => new NamedCluster(cluster)) as [NamedCluster, NamedCluster]
    await compare(report, etcd, ours, isSelf ? new Map() : readDifferences())
    if (report.failed > 0 && process.env['VERBOSE'] !== undefined) console.log(ours.cluster.logs())
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.remove()))
    directory.remove()
  }
  report.end()
}

/** Members show each other certificates of one authority. */
async function peerTlsFlags(directory: TemporaryDirectory): Promise<string[]> {
  const authority = await TestAuthority.make()
  const { cert, key } = await authority.issue({ commonName: 'member' })
  const files = { 'ca.pem': authority.cert, 'cert.pem': cert, 'key.pem': key }
  for (const [name, text] of Object.entries(files)) writeFileSync(directory.path(name), text)
  return [
    '--peer-cert-file', directory.path('cert.pem'), '--peer-key-file', directory.path('key.pem'),
    '--peer-trusted-ca-file', directory.path('ca.pem'), '--peer-client-cert-auth',
  ]
}

async function compare(
  report: Report,
  etcd: NamedCluster,
  ours: NamedCluster,
  listed: ReadonlyMap<string, Listed>,
): Promise<void> {
  const unused = new Set(listed.keys())
  for (const { title, run } of STORY) {
    const [theirs, own] = await Promise.all([etcd, ours].map((cluster) => told(run(cluster)))) as [string, string]
    const row = listed.get(title)
    unused.delete(title)
    if (process.env['VERBOSE'] !== undefined) console.log(`--- ${title}\n${own}`)
    if (row === undefined ? theirs === own : isListed(row, theirs, own)) report.pass(title)
    else if (process.argv.includes('--print')) {
      console.log([title, JSON.stringify(theirs), JSON.stringify(own)].join('\t'))
    } else {
      const why = row === undefined ? '' : '\nwhich is not what is listed'
      report.fail(title, `etcd\n${theirs}\nours\n${own}${why}`)
    }
  }
  for (const title of unused) report.fail(title, 'is listed and does not happen')
}

function isListed({ etcd, ours }: Listed, theirs: string, own: string): boolean {
  return (etcd === null || etcd === theirs) && ours === own
}

function told(outcome: Promise<string>): Promise<string> {
  return outcome.catch((error: unknown) => `failed: ${(error as Error).message}`)
}

function readDifferences(): Map<string, Listed> {
  const [, ...lines] = readFileSync(DIFFERENCES, 'utf8').trimEnd().split('\n')
  return new Map(lines.map((line) => {
    const [title, etcd, ours] = line.split('\t') as [string, string, string, string]
    return [title, { etcd: JSON.parse(etcd) as string | null, ours: JSON.parse(ours) as string }]
  }))
}

await main()
