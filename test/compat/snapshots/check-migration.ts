/** The directory of an etcd that was killed becomes one of raftring, wherever the migration itself is interrupted. */

import { strict as assert } from 'node:assert'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { EtcdClient } from '../../support/etcd-client.js'
import type { Report } from '../../support/report.js'
import { runToEnd } from '../../support/run-to-end.js'
import { ServerProcess, type ServerKind } from '../../support/server-process.js'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.js'
import { contents, enableAuth, fill, rights, ROOT } from './contents.js'
import { etcdctl, printed, raftringctl } from './programs.js'

const CLIENT_PORT = 21_124
const PEER_PORT = 21_125
const ENDPOINT = `127.0.0.1:${CLIENT_PORT}`

interface Served {
  readonly rights: readonly string[]
  readonly contents: readonly string[]
}

/** A data directory and a log that lies elsewhere. */
interface Place {
  readonly dataDir: string
  readonly walDir: string
}

/** How far a migration had come: each step is undone from the end. */
const STAGES = ['built', 'log moved', 'original aside', 'in place'] as const

export async function checkMigration(report: Report, seed: number): Promise<void> {
  const directory = temporaryDirectory()
  const original: Place = { dataDir: directory.path('original'), walDir: directory.path('original-wal') }
  let expected: Served | null = null
  try {
    await report.check('a running etcd is not migrated', () => makeKilledEtcd(original, seed))
    await report.check('a start on its directory prints the command', () => expectRefusal(original))
    await report.check('a migrated member has all that etcd itself finds after it was killed', async () => {
      expected = await served('etcd', copyOf(directory, original, 'witness'))
      const place = copyOf(directory, original, 'migrated')
      console.log((await migrate(place)).trimEnd())
      assert.deepEqual(await served('raftring', place), expected)
      assert(existsSync(path.join(place.dataDir, 'member.etcd', 'snap', 'db')), 'the original backend is kept')
      assert(existsSync(`${place.walDir}.etcd`), 'the original log is kept')
    })
    for (const [i, stage] of STAGES.entries()) {
      await report.check(`a migration goes on that was interrupted when it was ${stage}`, async () => {
        const place = copyOf(directory, original, `stage-${i}`)
        await migrate(place)
        goBackTo(place, i)
        await expectRefusal(place)
        await migrate(place)
        assert.deepEqual(await served('raftring', place), expected)
      })
    }
    for (const which of ['log', 'backend'] as const) {
      await report.check(`a directory where the original ${which} is to be kept is not taken for it`, async () => {
        const place = copyOf(directory, original, `stray-${which}`)
        const stray = which === 'log' ? `${place.walDir}.etcd` : path.join(place.dataDir, 'member.etcd')
        mkdirSync(stray)
        const refused = await raftringctl('migrate', '--data-dir', place.dataDir, '--wal-dir', place.walDir)
        assert.equal(refused.code, 1)
        assert(refused.stderr.includes(`${stray} is in the way`), refused.stderr)
        rmdirSync(stray)
        await migrate(place)
        assert.deepEqual(await served('raftring', place), expected)
      })
    }
  } finally {
    directory.remove()
  }
}

/** Killed right behind its last answers, so that its log has more than its backend. */
async function makeKilledEtcd(place: Place, seed: number): Promise<void> {
  const server = await start('etcd', place)
  const client = new EtcdClient(ENDPOINT)
  try {
    await fill(client, seed)
    await enableAuth(ENDPOINT)
    const refused = await raftringctl('migrate', '--data-dir', place.dataDir, '--wal-dir', place.walDir)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /in use: stop that etcd first/u)
    await printed(etcdctl('--endpoints', ENDPOINT, '--user', ROOT, 'put', 'last', 'x'))
  } finally {
    client.close()
    await server.kill()
  }
}

async function served(kind: ServerKind, place: Place): Promise<Served> {
  const server = await start(kind, place)
  const client = new EtcdClient(ENDPOINT)
  try {
    return { rights: await rights(ENDPOINT), contents: await contents(client) }
  } finally {
    client.close()
    await server.stop()
  }
}

function migrate({ dataDir, walDir }: Place): Promise<string> {
  return printed(raftringctl('migrate', '--data-dir', dataDir, '--wal-dir', walDir))
}

async function expectRefusal({ dataDir, walDir }: Place): Promise<void> {
  const { output, code } = await runToEnd(['--data-dir', dataDir, '--wal-dir', walDir])
  assert.equal(code, 1, output)
  assert(output.includes(`raftringctl migrate --data-dir ${dataDir} --wal-dir ${walDir}`), output)
}

function goBackTo({ dataDir, walDir }: Place, stage: number): void {
  const member = path.join(dataDir, 'member')
  rmSync(path.join(dataDir, 'raftring-format'))
  if (stage < 3) renameSync(member, `${member}.raftring`)
  if (stage < 2) renameSync(`${member}.etcd`, member)
  if (stage > 0) return
  renameSync(walDir, `${walDir}.raftring`)
  renameSync(`${walDir}.etcd`, walDir)
}

function copyOf(directory: TemporaryDirectory, { dataDir, walDir }: Place, name: string): Place {
  const copy = { dataDir: directory.path(name), walDir: directory.path(`${name}-wal`) }
  cpSync(dataDir, copy.dataDir, { recursive: true })
  cpSync(walDir, copy.walDir, { recursive: true })
  return copy
}

function start(kind: ServerKind, { dataDir, walDir }: Place): Promise<ServerProcess> {
  return ServerProcess.start({
    kind, dataDir, clientPort: CLIENT_PORT, peerPort: PEER_PORT, flags: ['--wal-dir', walDir],
  })
}
