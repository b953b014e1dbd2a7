/** The config file: which keys it has, what they mean, and that it stands alone. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { readConfigText } from '../../src/config/config-file.js'
import { conclude, reusesPort, type Config } from '../../src/config/config.js'
import { readFlags, type FlagsResult } from '../../src/config/flags.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

interface Read {
  readonly config: Config
  readonly warnings: readonly string[]
}

function read(text: string, argv: readonly string[] = [], environment: Record<string, string> = {}): Read {
  const flags = flagsOf(text, argv, environment)
  if (!flags.ok) assert.fail(flags.message)
  if ('print' in flags) assert.fail(flags.print)
  const concluded = conclude(flags.raw, 2)
  if (!concluded.ok) assert.fail(concluded.message)
  return concluded
}

function flagsOf(text: string, argv: readonly string[] = [], environment: Record<string, string> = {}): FlagsResult {
  return readFlags(['--config-file', 'etcd.yml', ...argv], environment, () => ({ ok: true, text }))
}

function refusal(text: string): string {
  const flags = flagsOf(text)
  return flags.ok ? assert.fail('it was accepted') : flags.message
}

test('keys are the names of flags; a duration is nanoseconds or a text', () => {
  const { config } = read(`
name: n1
data-dir: /var/lib/data
listen-client-urls: http://127.0.0.1:1, http://127.0.0.1:2
advertise-client-urls: http://127.0.0.1:1
heartbeat-interval: 50
quota-backend-bytes: 8589934592
auto-compaction-mode: revision
auto-compaction-retention: "1000"
grpc-keepalive-min-time: 7000000000
warning-apply-duration: 250ms
strict-reconfig-check: false
log-outputs: [stderr, /tmp/x.log]
feature-gates: CompactHashCheck=true
`)
  assert.equal(config.name, 'n1')
  assert.equal(config.listenClientUrls.length, 2)
  assert.equal(config.heartbeatMs, 50)
  assert.equal(config.quotaBytes, 8_589_934_592)
  assert.deepEqual(config.autoCompaction, { mode: 'revision', revisions: 1000 })
  assert.equal(config.keepaliveMinMs, 7000)
  assert.equal(config.slowApplyMs, 250)
  assert.equal(config.strictReconfigCheck, false)
  assert.deepEqual(config.logOutputs, [{ kind: 'stderr' }, { kind: 'file', path: '/tmp/x.log' }])
  assert.equal(config.gates.CompactHashCheck, true)
})

test('JSON is taken as well', () => {
  const text = JSON.stringify({ name: 'j1', 'max-txn-ops': 7, 'enable-pprof': true, cors: ['http://a', 'http://b'] })
  const { config } = read(text)
  const cors = ['http://a', 'http://b']
  assert.deepEqual([config.name, config.txnOpsMax, config.pprof, config.corsOrigins], ['j1', 7, true, cors])
})

test('blocks hold the options of TLS on both sides, of discovery and of sockets', () => {
  const { config } = read(`
client-transport-security:
  cert-file: /c.crt
  key-file: /c.key
  client-cert-auth: true
  trusted-ca-file: /c.ca
  auto-tls: false
peer-transport-security:
  cert-file: /p.crt
  key-file: /p.key
  allowed-cn: [a, b]
  skip-client-san-verification: true
socket-options:
  reuse-port: true
discovery-config:
  discovery: token
  endpoints: [http://d1, http://d2]
  dial-timeout: 3000000000
  secure: {cacert: /d.ca, insecure-transport: false}
  auth: {username: u, password: p}
`)
  const { clientTls, peerTls, discovery } = config
  assert(clientTls !== null && peerTls !== null)
  assert.deepEqual([clientTls.certFile, clientTls.keyFile, clientTls.trustedCaFile], ['/c.crt', '/c.key', '/c.ca'])
  assert.equal(clientTls.clientCertAuth, true)
  assert.deepEqual([peerTls.certFile, peerTls.allowedNames, peerTls.allowedHostnames], ['/p.crt', ['a', 'b'], []])
  assert.equal(peerTls.skipsSanVerification, true)
  assert.equal(config.socketReusePort, reusesPort({ isTrue: () => true }, { warnings: [] }))
  assert.deepEqual([discovery?.token, discovery?.endpoints], ['token', ['http://d1', 'http://d2']])
  assert.deepEqual([discovery?.dialTimeoutMs, discovery?.caFile, discovery?.user], [3000, '/d.ca', 'u'])
  assert.equal(discovery?.insecureTransport, false)
})

test('flags and variables beside a file are ignored, and that is said', () => {
  const { config, warnings } = read('name: file', ['--name=flag', '--max-txn-ops=7'], { ETCD_MAX_TXN_OPS: '9' })
  assert.equal(config.name, 'file')
  assert.equal(config.txnOpsMax, 128)
  assert.match(warnings[0] ?? '', /^the configuration is that of etcd\.yml; all other flags.* are ignored$/)
})

test('a flag that is wrong is refused before the file is read', () => {
  const flags = flagsOf('name: x', ['--max-txn-ops=many'])
  assert.ok(!flags.ok && flags.exitCode === 2)
})

test('the file can be named by the environment, and the flag goes before that', () => {
  const named: string[] = []
  const reader = (path: string) => {
    named.push(path)
    return { ok: true, text: '' } as const
  }
  assert.ok(readFlags([], { ETCD_CONFIG_FILE: '/from-environment' }, reader).ok)
  assert.ok(readFlags(['--config-file=/flag'], { ETCD_CONFIG_FILE: '/from-environment' }, reader).ok)
  assert.deepEqual(named, ['/from-environment', '/flag'])
})

test('an unknown key is ignored with a warning that names it', () => {
  const { warnings } = read('name: n1\nnmae: n2\nclient-transport-security: {certfile: x}\nversion: true')
  const said = warnings.filter((warning) => warning.includes('unknown key'))
  assert.equal(said.length, 3)
  assert.match(said.join('\n'), /: nmae\n.*: client-transport-security\.certfile\n.*: version/)
})

test('an empty file gives the defaults', () => {
  assert.equal(read('').config.name, 'default')
  assert.equal(read('# nothing\n---\n').config.name, 'default')
})

test('what is wrong in a file is said with its key', () => {
  assert.match(refusal('name: [unclosed'), /^config file etcd\.yml: /)
  assert.match(refusal('- a\n- b'), /not a list of keys with values/)
  assert.match(refusal('heartbeat-interval: soon'), /heartbeat-interval: invalid value "soon": not a whole number/)
  assert.match(refusal('heartbeat-interval: {a: 1}'), /heartbeat-interval: not a plain value/)
  assert.match(refusal('client-transport-security: yes'), /client-transport-security: not a list of keys/)
  assert.match(refusal('name: a\nname: b'), /unique/i)
  assert.match(refusal('feature-gates: Nonsense=true'), /unrecognized feature gate: Nonsense/)
})

test('aliases that multiply are refused', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 12; i++) bomb.push(`k${i}: &k${i} [${`*${i === 1 ? 'a' : `k${i - 1}`},`.repeat(9)}]`)
  assert.match(refusal(bomb.join('\n')), /^config file etcd\.yml: /)
})

test('a file is read from the disk, and one that is not there or too large is not', () => {
  const path = directory.path('etcd.yml')
  writeFileSync(path, 'name: from-disk')
  assert.deepEqual(readConfigText(path), { ok: true, text: 'name: from-disk' })
  const missing = readConfigText(directory.path('none'))
  assert.match(missing.ok ? '' : missing.message, /ENOENT/)
  writeFileSync(path, '#'.repeat(2_000_000))
  assert.match((readConfigText(path) as { message: string }).message, /too many/)
})
