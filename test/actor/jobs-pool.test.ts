/** Jobs on their own threads: what they return, how many may wait, and that their threads give way to all others. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { JobsPool } from '../../src/actor/jobs/jobs-pool.js'

/** The nice values of this process's threads. */
function niceValues(): number[] {
  return readdirSync('/proc/self/task').map((task) => {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
}

test('passwords are hashed and compared on threads of the lowest priority', async () => {
  const pool = new JobsPool({ threadsMax: 1, queueMax: 4 })
  assert.equal(niceValues().includes(19), false)
  const hash = await pool.run('hashPassword', { password: 'secret', cost: 4 })
  assert.match(hash ?? '', /^\$2[aby]\$04\$/)
  assert.equal(niceValues().filter((nice) => nice === 19).length, 1)
  assert.equal(await pool.run('comparePassword', { password: 'secret', hash: hash ?? '' }), true)
  assert.equal(await pool.run('comparePassword', { password: 'Secret', hash: hash ?? '' }), false)
  assert.equal(await pool.run('comparePassword', { password: '', hash: '' }), false)
  await pool.close()
})

test('too many jobs are refused, and none is taken after the end', async () => {
  const pool = new JobsPool({ threadsMax: 1, queueMax: 2 })
  const job = { password: 'secret', cost: 4 }
  const taken = [pool.run('hashPassword', job), pool.run('hashPassword', job)]
  assert.deepEqual([pool.run('hashPassword', job), pool.refusedCount], [null, 1])
  await Promise.all(taken)
  await pool.close()
  assert.equal(pool.run('hashPassword', job), null)
})
