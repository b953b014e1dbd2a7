/** The data directory: made, marked, locked against a second process, or refused in one line. */

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { claimDataDirectory } from '../../src/cluster/data-dir-file.js'

const NO_PROGRAM = '/nowhere/flock'

function scratch(t: { after: (done: () => void) => void }): string {
  const path = mkdtempSync(join(tmpdir(), 'raftring-dir-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function claim(dataDir: string, flock = 'flock') {
  return claimDataDirectory({ dataDir, walDir: join(dataDir, 'member', 'wal') }, flock)
}

async function messageOf(dataDir: string, flock = 'flock'): Promise<string> {
  const claimed = await claim(dataDir, flock)
  if (!claimed.ok) return claimed.message
  claimed.directory.release()
  return 'claimed'
}

/** Another process that claims the directory; its first line says how that went. */
async function holder(dataDir: string, flock: string, uid?: number): Promise<{ process: ChildProcess; line: string }> {
  const entry = new URL('./lock-holder.js', import.meta.url).pathname
  const child = spawn(process.execPath, [entry, dataDir, flock], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid }),
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { process: child, line }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('a new directory is made for its owner alone and marked', async (t) => {
  const path = join(scratch(t), 'a', 'b')
  const claimed = await claim(path)
  assert.ok(claimed.ok)
  assert.deepEqual(claimed.directory.warnings, [])
  assert.equal(statSync(path).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(path), ['raftring-format'])
  claimed.directory.release()
  assert.equal(await messageOf(path), 'claimed')
})

for (const [way, flock] of [['the flock program', 'flock'], ['a unix socket', NO_PROGRAM]] as const) {
  test(`with ${way}, a directory in use is refused until its process is killed, stopped or not`, async (t) => {
    const path = join(scratch(t), 'data')
    const first = await holder(path, flock)
    t.after(() => end(first.process))
    assert.equal(first.line, 'claimed')
    const inUse = `data directory ${path} is in use by another process`
    assert.equal(await messageOf(path, flock), inUse)
    first.process.kill('SIGSTOP')
    assert.equal(await messageOf(path, flock), inUse)
    await end(first.process)
    assert.equal(await messageOf(path, flock), 'claimed')
    assert.deepEqual(readdirSync(path), ['raftring-format'])
  })

  test(`with ${way}, one process claims a directory once only and can release it`, async (t) => {
    const path = join(scratch(t), 'data')
    const claimed = await claim(path, flock)
    assert.ok(claimed.ok)
    assert.match(await messageOf(path, flock), /in use/)
    claimed.directory.release()
    assert.equal(await messageOf(path, flock), 'claimed')
  })
}

test('a path longer than a socket address takes a socket lock all the same', async (t) => {
  const path = join(scratch(t), 'd'.repeat(120), 'data')
  const claimed = await claim(path, NO_PROGRAM)
  assert.ok(claimed.ok)
  assert.match(await messageOf(path, NO_PROGRAM), /in use/)
  claimed.directory.release()
})

test('of several that start at once with sockets at most one gets the directory', async (t) => {
  const path = join(scratch(t), 'data')
  const claims = await Promise.all(Array.from({ length: 5 }, () => claim(path, NO_PROGRAM)))
  const won = claims.filter((claimed) => claimed.ok)
  assert.ok(won.length <= 1)
  for (const claimed of won) claimed.directory.release()
  assert.equal(await messageOf(path, NO_PROGRAM), 'claimed')
})

test("etcd's directory is refused and left as it is", async (t) => {
  const path = scratch(t)
  mkdirSync(join(path, 'member', 'snap'), { recursive: true })
  writeFileSync(join(path, 'member', 'snap', 'db'), 'bbolt')
  assert.match(await messageOf(path), /was written by etcd; stop that etcd and convert it: raftringctl migrate --data/)
  assert.deepEqual(readdirSync(path), ['member'])
})

test('a directory of another format is refused with both formats', async (t) => {
  const path = scratch(t)
  writeFileSync(join(path, 'raftring-format'), 'raftring data directory, format 9\n')
  assert.equal(await messageOf(path), `data directory ${path} has format 9; this version reads format 1`)
})

test('a file is not a data directory, nor is anything below one', async (t) => {
  const path = join(scratch(t), 'file')
  writeFileSync(path, '')
  assert.equal(await messageOf(path), `data directory ${path} is not a directory`)
  assert.match(await messageOf(join(path, 'below')), /is not a directory/)
})

test('a directory without permission is refused in one line', async (t) => {
  const parent = scratch(t)
  const path = join(parent, 'data')
  mkdirSync(path, { mode: 0o000 })
  chmodSync(parent, 0o755)
  const isRoot = process.getuid?.() === 0
  const nobody = 65534
  const line = isRoot ? (await holder(path, 'flock', nobody)).line : await messageOf(path)
  assert.equal(line, `no permission for data directory ${path}`)
})

test('a directory that others may read draws a warning', async (t) => {
  const path = scratch(t)
  chmodSync(path, 0o755)
  const claimed = await claim(path)
  assert.ok(claimed.ok)
  assert.match(claimed.directory.warnings[0] ?? '', /has mode 755/)
  claimed.directory.release()
})

test('a log directory elsewhere is locked too', async (t) => {
  const parent = scratch(t)
  const walDir = join(parent, 'log')
  const first = await claimDataDirectory({ dataDir: join(parent, 'one'), walDir })
  assert.ok(first.ok)
  const second = await claimDataDirectory({ dataDir: join(parent, 'two'), walDir })
  assert.ok(!second.ok && second.message === `data directory ${walDir} is in use by another process`)
  first.directory.release()
})
