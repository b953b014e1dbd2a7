/** The process as whatever starts etcd today sees it: what it prints, whom it tells, how it ends. */

import { strict as assert } from 'node:assert'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { readFlags } from '../../src/config/flags.js'
import { openLogOutputs } from '../../src/actor/log/log-outputs.js'
import { runToEnd } from '../support/run-to-end.js'
import { commandOf, ServerProcess, type ServerSpec } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

let ports = 21_500
let folders = 0

function spec(flags: readonly string[] = [], env: Record<string, string> = {}): ServerSpec {
  const clientPort = (ports += 2)
  const dataDir = directory.path(`data-${++folders}`)
  return { kind: 'raftring', dataDir, clientPort, peerPort: clientPort + 1, flags, env }
}

interface Line {
  readonly level: string
  readonly ts: string
  readonly caller: string
  readonly msg: string
  readonly [field: string]: unknown
}

function linesOf(log: string): Line[] {
  return log.trimEnd().split('\n').map((line) => JSON.parse(line) as Line)
}

test('--version prints the lines of etcd, and what this is beside them', async () => {
  const { code, output } = await runToEnd(['-version'])
  assert.equal(code, 0)
  const [version, sha, go, arch] = output.split('\n')
  assert.deepEqual([version, sha, go], ['etcd Version: 3.7.1', 'Git SHA: none', 'Go Version: none'])
  assert.match(arch ?? '', /^Go OS\/Arch: linux\/(amd64|arm64)$/)
  assert.match(output, /^raftring Version: \d+\.\d+\.\d+/m)
})

test('gateway and grpc-proxy are out of scope and say so', async () => {
  const { code, output } = await runToEnd(['gateway', 'start'])
  assert.equal(code, 1)
  assert.match(output, /^raftring: gateway: .* out of scope/)
  const proxy = readFlags(['grpc-proxy', 'start'], {})
  assert.ok(!proxy.ok && proxy.exitCode === 1 && proxy.message.startsWith('grpc-proxy: '))
})

test('the log is JSON; it says what was derived, what is a trap, and when clients are served', async () => {
  const it = spec(['--quota-backend-bytes', '4294967296'])
  const { path, notes } = fakeNotify(it.clientPort)
  const server = await ServerProcess.start({ ...it, env: { NOTIFY_SOCKET: '', PATH: path } })
  assert.deepEqual(await server.stop(), { code: 0, signal: null })
  assert.equal(existsSync(notes), false, 'without a notify socket nobody is told')
  const lines = linesOf(server.log)
  for (const { level, ts, caller, msg } of lines) {
    assert.match(level, /^(debug|info|warn|error)$/)
    assert.match(ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(caller.length > 0 && msg.length > 0)
  }
  const starting = lines.find(({ msg }) => msg === 'starting')
  assert.equal(starting?.['quota-backend-bytes'], 4_294_967_296)
  assert.equal(starting?.['initial-cluster'], `n1=http://127.0.0.1:${server.spec.peerPort}`)
  assert.equal(lines.filter(({ msg }) => msg.includes('ready to serve client requests')).length, 1)
  assert.match(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg).join(), /history is kept for ever/)
  assert.equal(lines.at(-1)?.msg, 'stopped')
})

test('the log goes where --log-outputs says, in the form of --log-format, from --log-level on', async () => {
  const [one, two] = [directory.path('one.log'), directory.path('two.log')]
  const flags = ['--log-outputs', `stdout,${one},${two}`, '--log-format=console', '--log-level=info']
  const server = await ServerProcess.start(spec(flags))
  await server.stop()
  assert.match(server.log, /^\d{4}-\S+Z\tinfo\tmain\tstarting\t\{/m)
  assert.equal(readFileSync(one, 'utf8'), server.log)
  assert.equal(readFileSync(two, 'utf8'), server.log)
  const quiet = ServerProcess.spawn(spec(['--log-level', 'warn']))
  // The traps come once clients are served.
  await quiet.logged(/history is kept for ever/, 30_000)
  await quiet.stop()
  assert.deepEqual([...new Set(linesOf(quiet.log).map(({ level }) => level))], ['warn'])
})

test('a config file alone says how the process runs, whatever flags and variables are beside it', async () => {
  const it = spec([], { ETCD_MAX_TXN_OPS: '7' })
  const url = `http://127.0.0.1:${it.clientPort}`
  const file = directory.path('raftring.yml')
  writeFileSync(file, `name: from-the-file
data-dir: ${directory.path('file-data')}
listen-client-urls: ${url}
advertise-client-urls: ${url}
heartbeat-interval: 50
quota-backend-bytes: 1073741824
unknown-key: 1
`)
  const server = await ServerProcess.start({ ...it, flags: ['--config-file', file] })
  const client = new EtcdClient(server.endpoint)
  assert.equal((await client.memberList()).members[0]?.name, 'from-the-file')
  client.close()
  await server.stop()
  assert.ok(existsSync(directory.path('file-data/member')))
  assert.ok(!existsSync(it.dataDir))
  const lines = linesOf(server.log)
  const starting = lines.find(({ msg }) => msg === 'starting')
  assert.deepEqual([starting?.['heartbeat-interval'], starting?.['max-txn-ops']], ['50ms', 128])
  assert.ok(lines.some(({ msg }) => msg.includes('all other flags and environment variables are ignored')))
  assert.ok(lines.some(({ msg }) => msg.includes('unknown key, which is ignored: unknown-key')))
})

test('a log that cannot be opened makes the start fail', async () => {
  const file = directory.path('a-file')
  writeFileSync(file, '')
  const { code, output } = await runToEnd(['--data-dir', directory.path('no'), '--log-outputs', `${file}/x.log`])
  assert.equal(code, 1)
  assert.match(output, /--log-outputs: E[A-Z]+: /)
  const journal = openLogOutputs({ logOutputs: [{ kind: 'journal' }], logRotation: null }, { JOURNAL_STREAM: '' })
  assert.match(journal.ok ? '' : journal.message, /^--log-outputs: systemd\/journal: stderr of this process/)
  const led = openLogOutputs({ logOutputs: [{ kind: 'journal' }], logRotation: null }, { JOURNAL_STREAM: '8:1' })
  assert.deepEqual(led, { ok: true, sinks: [{ kind: 'descriptor', descriptor: 2 }] })
})

/** A program of systemd's name that notes its words, and whether the port was served when it was called. */
function fakeNotify(port: number): { readonly path: string; readonly notes: string } {
  const folder = directory.path(`bin-${port}`)
  const notes = directory.path(`notes-${port}`)
  execFileSync('mkdir', ['-p', folder])
  const script = `#!/bin/bash
serving=no
(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && serving=yes
echo "$* serving=$serving socket=$NOTIFY_SOCKET" >> ${notes}
`
  writeFileSync(`${folder}/systemd-notify`, script)
  chmodSync(`${folder}/systemd-notify`, 0o755)
  return { path: `${folder}:${process.env['PATH']}`, notes }
}

test('systemd is told once clients are served, and when the end begins', async () => {
  const it = spec()
  const { path, notes } = fakeNotify(it.clientPort)
  const server = ServerProcess.spawn({ ...it, env: { NOTIFY_SOCKET: '/run/some/socket', PATH: path } })
  await server.ready()
  while (!existsSync(notes)) await new Promise((resolve) => setImmediate(resolve))
  await server.stop()
  const [first, second] = readFileSync(notes, 'utf8').trim().split('\n')
  assert.match(first ?? '', /^--ready .*serving=yes socket=\/run\/some\/socket$/)
  assert.match(second ?? '', /^STOPPING=1 /)
})

test('a missing systemd-notify is only a warning', async () => {
  const alone = await ServerProcess.start(spec([], { NOTIFY_SOCKET: '/run/some/socket', PATH: directory.root }))
  await alone.logged(/systemd was not told.*there is no systemd-notify/, 10_000)
  assert.equal((await alone.stop()).code, 0)
})

const PYTHON = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path))
const hasSystemd = existsSync('/usr/bin/systemd-notify')

test('a real notify socket hears READY=1', { skip: PYTHON === undefined || !hasSystemd }, async () => {
  const path = directory.path('notify.socket')
  const listen = `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(${JSON.stringify(path)})
print('bound', flush=True)
while True: print(s.recv(4096), flush=True)`
  const listener = spawn(PYTHON as string, ['-c', listen], { stdio: ['ignore', 'pipe', 'inherit'] })
  let heard = ''
  const hears = (word: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (heard.includes(word)) resolve()
      }
      listener.stdout.on('data', (chunk: Buffer) => {
        heard += chunk.toString()
        look()
      })
      look()
    })
  await hears('bound')
  const server = await ServerProcess.start(spec([], { NOTIFY_SOCKET: path }))
  await hears('READY=1')
  await server.stop()
  listener.kill()
  await once(listener, 'close')
  assert.match(heard, /READY=1/)
})

test('SIGTERM and SIGINT end it cleanly with code 0, and its port can be taken at once', async () => {
  const again = spec(['--socket-reuse-address'])
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = await ServerProcess.start(again)
    const client = new EtcdClient(server.endpoint)
    await client.put({ key: 'k', value: signal })
    // The server closes this connection first, so its port stays in TIME_WAIT.
    server.signal(signal)
    client.close()
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    assert.match(server.log, new RegExp(`"msg":"stopping","reason":"${signal}"`))
  }
})

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isOld = major < 22 || (major === 22 && minor < 12)

test('--socket-reuse-port lets two processes have one port', { skip: isOld }, async () => {
  const one = await ServerProcess.start(spec(['--socket-reuse-port']))
  const dataDir = directory.path('reuse')
  const two = await ServerProcess.start({ ...one.spec, dataDir })
  await Promise.all([one.stop(), two.stop()])
})

const SCRIPT = '/usr/bin/script'

test('under a terminal it behaves alike, and Ctrl-C ends it', { skip: !existsSync(SCRIPT) }, async () => {
  const { dataDir, clientPort } = spec()
  const url = `http://127.0.0.1:${clientPort}`
  const flags = ['--data-dir', dataDir, '--listen-client-urls', url, '--advertise-client-urls', url]
  // Some shells stay beside the command, and would die of the Ctrl-C themselves.
  const command = ['exec', ...commandOf('raftring'), ...flags].join(' ')
  const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const wasReady = log.includes('ready to serve client requests')
    log += chunk.toString()
    if (!wasReady && log.includes('ready to serve client requests')) child.stdin.write('\x03')
  })
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0)
  const lines = log.split('\r\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line)
  assert.equal(lines.at(-1)?.msg, 'stopped')
})
