/**
 * Command lines that end by themselves, given to etcd 3.4.23 and to raftring: the exit codes are the same.
 */

import { strict as assert } from 'node:assert'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import { Report } from '../../support/report.js'
import { runToEnd } from '../../support/run-to-end.js'
import type { ServerKind } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

interface Line {
  readonly args: readonly string[]
  readonly env?: Record<string, string>
}

function line(...args: readonly string[]): Line {
  return { args }
}

const LINES: readonly Line[] = [
  line('--version'),
  line('-version'),
  line('-h'),
  line('--help'),
  line('--name=x', '-help'),
  line('--nonsense'),
  line('--nonsense', '--help'),
  line('--help', '--nonsense'),
  line('---name=x'),
  line('--=x'),
  line('-'),
  line('--', '--version'),
  line('stray'),
  line('--name', 'x', 'stray', '--nonsense'),
  line('--unsafe-no-fsync', 'false'),
  line('--unsafe-no-fsync=maybe'),
  line('--heartbeat-interval=ten'),
  line('--heartbeat-interval=-1'),
  line('--heartbeat-interval=0'),
  line('--heartbeat-interval=500'),
  line('--election-timeout=60000'),
  line('--snapshot-count=1.5'),
  line('--quota-backend-bytes=lots'),
  line('--grpc-keepalive-min-time=5'),
  line('--auto-compaction-retention=often'),
  line('--auto-compaction-mode=hourly'),
  line('--listen-client-urls=127.0.0.1:2379'),
  line('--listen-client-urls=http://127.0.0.1'),
  line('--listen-client-urls=http://127.0.0.1:1/x'),
  line('--listen-client-urls=http://example.com:2379', '--advertise-client-urls=http://example.com:2379'),
  line('--listen-client-urls=http://127.0.0.1:2379'),
  line('--listen-peer-urls=http://example.com:2380'),
  line('--initial-cluster-state=odd'),
  line('--initial-cluster=other=http://127.0.0.1:2380'),
  line('--discovery-fallback=wait'),
  line('--config-file=/no/such/file'),
  line('--client-cert-auth=perhaps'),
  { args: [], env: { ETCD_HEARTBEAT_INTERVAL: 'soon' } },
  { args: ['--name=a'], env: { ETCD_NAME: 'b' } },
  { args: [], env: { ETCD_LISTEN_CLIENT_URLS: 'nowhere' } },
]

const directory = temporaryDirectory()
scriptOptions({ does: 'Command lines that end by themselves, for etcd and for us: exit codes must be the same.' })
const report = new Report()

async function end(kind: ServerKind, { args, env = {} }: Line): Promise<number | string> {
  const hasRest = args.some((word) => !word.startsWith('-')) || args.includes('--')
  const place = hasRest ? [] : ['--data-dir', directory.path(kind)]
  const run = await runToEnd([...args, ...place], { kind, env: { ETCD_UNSUPPORTED_ARCH: '', ...env } })
  return run.code ?? run.signal ?? 'none'
}

for (const it of LINES) {
  const title = [...Object.entries(it.env ?? {}).map(([name, value]) => `${name}=${value}`), ...it.args].join(' ')
  await report.check(title, async () => {
    const [theirs, ours] = await Promise.all([end('etcd', it), end('raftring', it)])
    assert.equal(ours, theirs)
  })
}
directory.remove()
report.end()
