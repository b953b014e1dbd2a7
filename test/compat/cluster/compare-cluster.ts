/**
 * Lets the same things happen to a three-member etcd 3.4.23 and to a three-member raftring, with TLS between members
 * and for a while with users, and compares what etcdctl prints at every step. Differences that are meant stand in
 * `differences.tsv`; any other fails, and so does a listed one that is gone. `--self` compares etcd with etcd, which
 * must show none. `--print` prints rows for what is found.
 */

import { writeFileSync } from 'node:fs'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import { TestAuthority } from '../../support/certificates.js'
import { ClusterProcess } from '../../support/cluster/cluster-process.js'
import { Report } from '../../support/report.js'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.js'
import { ListedDifferences } from '../tools/listed-differences.js'
import { IS_SELF, KINDS, PAIR_OPTIONS } from '../tools/server-pair.js'
import { STORY } from './cluster-story.js'
import { NamedCluster } from './story-cluster.js'

const SIZE = 3
const DIFFERENCES = 'test/compat/cluster/differences.tsv'

async function main(): Promise<void> {
  scriptOptions({
    does: 'The same story for three members of etcd and of raftring: etcdctl must print the same at every step.',
    options: PAIR_OPTIONS,
  })
  const report = new Report('')
  const directory = temporaryDirectory()
  const flags = await peerTlsFlags(directory)
  const clusters = await Promise.all(KINDS.map((kind) => {
    return ClusterProcess.start({ size: SIZE, kind, flags, spec: { peerScheme: 'https' } })
  }))
  try {
    await Promise.all(clusters.map((cluster) => cluster.leader()))
    const [etcd, ours] = clusters.map((cluster) => new NamedCluster(cluster)) as [NamedCluster, NamedCluster]
    await compare(report, etcd, ours, ListedDifferences.read(IS_SELF ? null : DIFFERENCES, true))
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
  listed: ListedDifferences,
): Promise<void> {
  for (const { title, run } of STORY) {
    const [theirs, own] = await Promise.all([etcd, ours].map((cluster) => told(run(cluster)))) as [string, string]
    if (process.env['VERBOSE'] !== undefined) console.log(`--- ${title}\n${own}`)
    listed.judge(report, title, theirs, own)
  }
  listed.end(report)
}

function told(outcome: Promise<string>): Promise<string> {
  return outcome.catch((error: unknown) => `failed: ${(error as Error).message}`)
}

await main()
