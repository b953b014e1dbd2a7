/**
 * Flags, environment and config files of people in a hurry: the answer is a configuration or one line that says what is
 * wrong, with etcd's exit codes.
 */

import assert from 'node:assert/strict'
import type { Prng } from '../../../src/base/prng.js'
import { conclude } from '../../../src/config/config.js'
import { environmentName, readFlags } from '../../../src/config/flags.js'
import { OPTIONS } from '../../../src/config/options/options.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate, randomText } from '../mutation.js'

const VALUES = [
  '', 'true', 'false', '0', '1', '-1', '100', '1000', '5s', '1h30m', '300ms', '1e9', '99999999999999999999', 'NaN',
  'http://127.0.0.1:2379', 'https://127.0.0.1:2379', 'http://localhost:0', 'http://[::1]:99999', 'unix:///tmp/a.sock',
  'http://10.0.0.1:1,http://10.0.0.2:2', 'n=http://127.0.0.1:2380', 'n=,=', 'a=b,a=c', 'new', 'existing', 'info',
  'shared', 'inline', 'on', 'TLS1.2', 'periodic', 'revision', '/', '*', '%', '\0', '$HOME', '../..', 'default',
] as const

const DOCUMENTS = [
  'name: a\ndata-dir: /tmp/a\n',
  'listen-client-urls: http://127.0.0.1:2379\nadvertise-client-urls: http://127.0.0.1:2379\n',
  'client-transport-security:\n  cert-file: a\n  key-file: b\n  client-cert-auth: true\n',
  'quota-backend-bytes: 8589934592\nsnapshot-count: 100\n',
  'cors: ["*", "http://a"]\nlog-outputs: [stderr]\n',
  '{"name": "a", "enable-pprof": true, "max-txn-ops": 12}',
  'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n',
  '--- !!binary |\n  R0lGODlhDAAMAIQAAP\n',
  '? [a, b]\n: c\n',
] as const

export class ConfigTarget implements FuzzTarget {
  run(random: Prng): void {
    const file = random.chance(0.4) ? randomDocument(random) : null
    const argv = Array.from({ length: random.between(0, 5) }, () => randomFlag(random)).flat()
    if (file !== null) argv.push('--config-file', 'a-file')
    const environment: Record<string, string> = {}
    if (random.chance(0.3)) {
      for (let count = random.between(1, 3); count > 0; count--) {
        const name = random.chance(0.9) ? environmentName(random.pick(OPTIONS).name) : `ETCD_${randomText(random, 8)}`
        environment[name] = randomValue(random)
      }
    }
    const read = readFlags(argv, environment, () => ({ ok: true, text: file ?? '' }))
    if (!read.ok) return checkRefusal(read.message, read.exitCode)
    if ('print' in read) return assert.ok(read.print === 'help' || read.print === 'version')
    const concluded = conclude(read.raw, random.pick([1, 2, 8, 64]))
    if (!concluded.ok) return checkRefusal(concluded.message, 1)
    assert.ok(Object.isFrozen(concluded.config))
    for (const [name, value] of Object.entries(concluded.config)) {
      assert.ok(typeof value !== 'number' || !Number.isNaN(value), `${name} is no number`)
    }
  }
}

function checkRefusal(message: string, exitCode: number): void {
  assert.ok(message.length > 0 && (exitCode === 1 || exitCode === 2), `refused with ${exitCode}: ${message}`)
}

function randomFlag(random: Prng): string[] {
  const name = random.chance(0.9) ? random.pick(OPTIONS).name : randomText(random, 12)
  const dashes = random.pick(['-', '--', '--', '---', ''])
  const value = randomValue(random)
  switch (random.between(0, 2)) {
    case 0:
      return [`${dashes}${name}=${value}`]
    case 1:
      return [`${dashes}${name}`, value]
    default:
      return [`${dashes}${random.chance(0.1) ? 'experimental-' : ''}${name}`]
  }
}

function randomValue(random: Prng): string {
  return random.chance(0.8) ? random.pick(VALUES) : randomText(random, 30)
}

function randomDocument(random: Prng): string {
  switch (random.between(0, 3)) {
    case 0:
      return mutate(random, Buffer.from(random.pick(DOCUMENTS))).toString('utf8')
    case 1:
      return randomText(random, 80)
    default: {
      const lines = Array.from({ length: random.between(0, 6) }, () => {
        const value = random.chance(0.5) ? randomValue(random) : JSON.stringify(randomValue(random))
        return `${random.pick(OPTIONS).name}: ${value}`
      })
      return lines.join('\n')
    }
  }
}
