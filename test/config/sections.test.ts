/** Sections of the configuration: what their flags come to, and what is refused in etcd's words. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conclude, reusesPort, type Config } from '../../src/config/config.js'
import { describeConfig } from '../../src/config/derived.js'
import { readFlags } from '../../src/config/flags.js'
import { helpText } from '../../src/config/help.js'
import { OPTIONS } from '../../src/config/options/options.js'

function concluded(argv: readonly string[]): { config: Config; warnings: readonly string[] } {
  const flags = readFlags(['--name=n1', ...argv], {})
  if (!flags.ok) assert.fail(flags.message)
  if ('print' in flags) assert.fail(flags.print)
  const result = conclude(flags.raw, 2)
  return result.ok ? result : assert.fail(result.message)
}

function config(...argv: readonly string[]): Config {
  return concluded(argv).config
}

function refusal(...argv: readonly string[]): string {
  const flags = readFlags(argv, {})
  if (!flags.ok) return flags.message
  const result = 'raw' in flags ? conclude(flags.raw, 2) : assert.fail(flags.print)
  return result.ok ? assert.fail('it was accepted') : result.message
}

test('0 stands for the default where etcd says so', () => {
  const it = config(
    '--snapshot-count=0', '--snapshot-catchup-entries=0', '--compaction-batch-limit=0', '--compaction-sleep-interval=0',
    '--watch-progress-notify-interval=0', '--warning-unary-request-duration=0', '--self-signed-cert-validity=0',
    '--quota-backend-bytes=0',
  )
  assert.deepEqual([it.snapshotCount, it.snapshotCatchupEntries], [10_000, 5000])
  assert.deepEqual([it.compactionBatchMax, it.compactionSleepMs, it.watchProgressMs], [1000, 10, 600_000])
  assert.deepEqual([it.slowRequestMs, it.selfSignedYears, it.quotaBytes], [300, 1, 2 ** 31])
})

test('auto-compaction is hours or a duration, or a number of revisions', () => {
  const mode = (retention: string, kind = 'periodic') =>
    config(`--auto-compaction-retention=${retention}`, `--auto-compaction-mode=${kind}`).autoCompaction
  assert.deepEqual(config().autoCompaction, { mode: 'off' })
  assert.deepEqual(mode('2'), { mode: 'periodic', periodMs: 7_200_000 })
  assert.deepEqual(mode('5m'), { mode: 'periodic', periodMs: 300_000 })
  assert.deepEqual(mode('1000', 'revision'), { mode: 'revision', revisions: 1000 })
  assert.deepEqual(mode('0', 'revision'), { mode: 'off' })
  assert.deepEqual(mode('1us', 'revision'), { mode: 'revision', revisions: 1000 })
  assert.match(refusal('--auto-compaction-retention=often'), /^error parsing CompactionRetention: /)
  assert.match(refusal('--auto-compaction-retention=-5'), /^error parsing CompactionRetention: /)
  assert.equal(refusal('--auto-compaction-mode='), 'undefined auto-compaction-mode')
  assert.equal(refusal('--auto-compaction-mode=hourly'), 'unknown auto-compaction-mode "hourly"')
})

test('a negative quota is none, a very large one is warned about', () => {
  assert.equal(config('--quota-backend-bytes=-1').quotaBytes, Infinity)
  assert.equal(describeConfig(config('--quota-backend-bytes=-1'))['quota-backend-bytes'], 'no limit')
  assert.match(concluded(['--quota-backend-bytes=10000000000']).warnings.join(), /exceeds the recommended 8589934592/)
})

test('timeouts between members are at least five seconds', () => {
  const it = config('--raft-read-timeout=1s', '--raft-write-timeout=7s')
  assert.deepEqual([it.raftReadTimeoutMs, it.raftWriteTimeoutMs], [5000, 7000])
})

test('discovery needs both its endpoints and its token', () => {
  assert.equal(config().discovery, null)
  assert.match(refusal('--discovery-token=t'), /both --discovery-endpoints and --discovery-token/)
  assert.match(refusal('--discovery-endpoints=http://d'), /both --discovery-endpoints and --discovery-token/)
  assert.match(refusal('--discovery-token=t', '--discovery-endpoints=http://d,'), /empty endpoint/)
  const { discovery } = config(
    '--discovery-token=t', '--discovery-endpoints=http://a,http://b', '--discovery-dial-timeout=1s',
    '--discovery-request-timeout=3s', '--discovery-keepalive-time=4s', '--discovery-keepalive-timeout=9s',
    '--discovery-insecure-transport=false', '--discovery-insecure-skip-tls-verify', '--discovery-cert=c',
    '--discovery-key=k', '--discovery-cacert=ca', '--discovery-user=u', '--discovery-password=p',
  )
  assert.deepEqual(discovery, {
    endpoints: ['http://a', 'http://b'], token: 't', dialTimeoutMs: 1000, requestTimeoutMs: 3000,
    keepaliveTimeMs: 4000, keepaliveTimeoutMs: 9000, insecureTransport: false, insecureSkipTlsVerify: true,
    certFile: 'c', keyFile: 'k', caFile: 'ca', user: 'u', password: 'p',
  })
  const { discoverySrv, discoverySrvName } = config('--discovery-srv=example.com', '--discovery-srv-name=x')
  assert.deepEqual([discoverySrv, discoverySrvName], ['example.com', 'x'])
  const two = ['--discovery-srv=example.com', '--initial-cluster=n1=http://localhost:2380']
  assert.match(refusal(...two), /^multiple discovery or bootstrap flags are set/)
})

test('proxy as a fallback of discovery is refused in the words of etcd', () => {
  const text = 'v2 proxy is deprecated, and --discovery-fallback can\'t be configured as "proxy"'
  assert.equal(refusal('--discovery-fallback=proxy'), text)
  assert.match(refusal('--discovery-fallback=wait'), /not one of exit, proxy/)
})

test('what members watch over each other for is read', () => {
  const it = config(
    '--corrupt-check-time=1h', '--compact-hash-check-time=30s', '--downgrade-check-time=9s', '--max-learners=4',
    '--strict-reconfig-check=false', '--pre-vote=false', '--force-new-cluster',
  )
  assert.deepEqual([it.corruptCheckMs, it.compactHashCheckMs, it.downgradeCheckMs], [3_600_000, 30_000, 9000])
  assert.deepEqual([it.learnersMax, it.strictReconfigCheck, it.preVote, it.forceNewCluster], [4, false, false, true])
  assert.match(refusal('--compact-hash-check-time=0s'), /must be >0/)
  assert.match(refusal('--max-learners=-1'), /less than 0/)
})

test('a token lasts as long as it is told to, and five minutes when told nothing or 0', () => {
  const lifetimes = [config(), config('--auth-token-ttl=7'), config('--auth-token-ttl=0')]
  assert.deepEqual(lifetimes.map(({ authTokenTtlMs }) => authTokenTtlMs), [300_000, 7000, 300_000])
})

test('a cost of bcrypt that cannot be is 10, with a warning', () => {
  assert.equal(config('--bcrypt-cost=4').bcryptCost, 4)
  for (const cost of ['3', '32']) {
    const { config: it, warnings } = concluded([`--bcrypt-cost=${cost}`])
    assert.equal(it.bcryptCost, 10)
    assert.match(warnings.join(), /--bcrypt-cost/)
  }
})

test('loggers of the past are refused', () => {
  assert.equal(refusal('--logger=capnslog'), '--logger=capnslog is removed in v3.5')
  assert.equal(refusal('--logger=logrus'), 'unknown logger option "logrus"')
  assert.equal(config('--logger=zap').logFormat, 'json')
})

test('outputs of the log are named one by one, and default stands alone', () => {
  assert.deepEqual(config().logOutputs, [{ kind: 'stderr' }])
  const { logOutputs } = config('--log-outputs=stderr,stdout,/var/log/x,stderr')
  assert.deepEqual(logOutputs, [{ kind: 'stderr' }, { kind: 'stdout' }, { kind: 'file', path: '/var/log/x' }])
  assert.match(refusal('--log-outputs=default,stderr'), /multi logoutput for "default" is not supported/)
  assert.match(refusal('--log-outputs='), /names no output/)
})

test('rotation needs one file, and settings that are JSON and not negative', () => {
  const rotating = ['--enable-log-rotation', '--log-outputs=/var/log/x']
  const usual = { bytesMax: 100 * 1024 * 1024, ageDaysMax: 0, backupsMax: 0, localTime: false, compress: false }
  assert.deepEqual(config(...rotating).logRotation, usual)
  const settings = '{"maxsize": 1, "maxage": 2, "maxbackups": 3, "localtime": true, "compress": true}'
  assert.deepEqual(config(...rotating, `--log-rotation-config-json=${settings}`).logRotation, {
    bytesMax: 1024 * 1024, ageDaysMax: 2, backupsMax: 3, localTime: true, compress: true,
  })
  assert.equal(config('--log-outputs=/var/log/x').logRotation, null)
  assert.match(refusal('--enable-log-rotation'), /requires a single file path/)
  assert.match(refusal('--enable-log-rotation', '--log-outputs=/a,/b'), /requires a single file path/)
  for (const [wrong, says] of [
    ['{', /not JSON/], ['[]', /not a JSON object/], ['{"maxage": -1}', /maxage: must not be negative/],
    ['{"maxsize": "1"}', /maxsize is not a whole number/], ['{"compress": 1}', /compress is not true or false/],
  ] as const) {
    assert.match(refusal(...rotating, `--log-rotation-config-json=${wrong}`), says)
  }
})

test('flags of TLS reach the side that they are for', () => {
  const { clientTls, peerTls } = config(
    '--cert-file=c', '--key-file=k', '--client-cert-file=cc', '--client-key-file=ck', '--trusted-ca-file=ca',
    '--client-crl-file=crl', '--client-cert-auth', '--client-cert-allowed-hostname=h1,h2',
    '--peer-cert-file=pc', '--peer-key-file=pk', '--peer-client-cert-file=pcc', '--peer-client-key-file=pck',
    '--peer-trusted-ca-file=pca', '--peer-crl-file=pcrl', '--peer-client-cert-auth', '--peer-cert-allowed-cn=n1,n2',
    '--peer-skip-client-san-verification',
  )
  const files = (side: typeof clientTls) => [
    side?.certFile, side?.keyFile, side?.clientCertFile, side?.clientKeyFile, side?.trustedCaFile, side?.crlFile,
  ]
  assert.deepEqual(files(clientTls), ['c', 'k', 'cc', 'ck', 'ca', 'crl'])
  assert.deepEqual(files(peerTls), ['pc', 'pk', 'pcc', 'pck', 'pca', 'pcrl'])
  assert.deepEqual([clientTls?.clientCertAuth, peerTls?.clientCertAuth], [true, true])
  assert.deepEqual([clientTls?.allowedHostnames, peerTls?.allowedNames], [['h1', 'h2'], ['n1', 'n2']])
  assert.deepEqual([clientTls?.skipsSanVerification, peerTls?.skipsSanVerification], [false, true])
  const hosts = config('--peer-cert-file=pc', '--peer-key-file=pk', '--peer-cert-allowed-hostname=h3')
  assert.deepEqual(hosts.peerTls?.allowedHostnames, ['h3'])
})

test('versions of TLS are two, and the least is not above the most', () => {
  const versions = (...argv: readonly string[]) => {
    const side = config('--cert-file=/c', '--key-file=/k', ...argv).clientTls
    return [side?.minVersion, side?.maxVersion]
  }
  assert.deepEqual(versions(), ['TLSv1.2', 'TLSv1.3'])
  assert.deepEqual(versions('--tls-min-version=TLS1.3'), ['TLSv1.3', 'TLSv1.3'])
  assert.deepEqual(versions('--tls-max-version=TLS1.2'), ['TLSv1.2', 'TLSv1.2'])
  assert.match(refusal('--tls-min-version=TLS1.1'), /unexpected TLS version/)
  assert.match(refusal('--tls-min-version=TLS1.3', '--tls-max-version=TLS1.2'), /greater than max version/)
})

test('a port is shared by processes from Node.js 22.12 on; before that the flag is answered by a notice', () => {
  const reuses = (version: string): [boolean, readonly string[]] => {
    const warnings: string[] = []
    return [reusesPort({ isTrue: () => true }, { warnings }, version), warnings]
  }
  for (const version of ['22.12.0', '22.20.1', '24.0.0', '26.1.0']) assert.deepEqual(reuses(version), [true, []])
  for (const version of ['20.20.2', '22.11.9']) {
    const notice = `--socket-reuse-port has no effect: it needs Node.js 22.12, this is ${version}`
    assert.deepEqual(reuses(version), [false, [notice]])
  }
  assert.equal(config().socketReusePort, false)
})

test('help has every flag once, under the heading of its section', () => {
  const lines = helpText().split('\n')
  for (const { name, section } of OPTIONS) {
    const at = lines.findIndex((line) => line === `  --${name}` || line.startsWith(`  --${name} `))
    assert.ok(at > 0, name)
    const heading = lines.slice(0, at).findLast((line) => /^\S.*:$/.test(line))
    assert.equal(heading, `${section}:`, name)
  }
  assert.equal(lines.filter((line) => line.startsWith('  --')).length, OPTIONS.length)
})
