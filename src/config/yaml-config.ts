/**
 * The config file: YAML or JSON, keys named as flags, but for blocks that hold the options of TLS, discovery and
 * sockets. Durations are nanoseconds when they are numbers. Unknown keys change nothing, as in etcd, and are named in a
 * warning.
 */

import type * as Yaml from 'yaml'
import { loadPackage } from '../base/load-package.js'
import { meaningOf } from './experimental.js'
import type { OptionCollector } from './option-collector.js'

type Scalar = string | number | bigint | boolean

/** Keys of a block, each with the option it sets; a nested object is a block in the block. */
interface Block {
  readonly [key: string]: string | Block
}

const TLS_KEYS = [
  'cert-file', 'key-file', 'client-cert-file', 'client-key-file', 'client-cert-auth', 'trusted-ca-file', 'auto-tls',
] as const

const BLOCKS: Block = {
  'client-transport-security': {
    ...Object.fromEntries(TLS_KEYS.map((key) => [key, key])),
    'crl-file': 'client-crl-file',
    'allowed-hostname': 'client-cert-allowed-hostname',
    'allowed-hostnames': 'client-cert-allowed-hostname',
  },
  'peer-transport-security': {
    ...Object.fromEntries(TLS_KEYS.map((key) => [key, `peer-${key}`])),
    'crl-file': 'peer-crl-file',
    'allowed-cn': 'peer-cert-allowed-cn',
    'allowed-cns': 'peer-cert-allowed-cn',
    'allowed-hostname': 'peer-cert-allowed-hostname',
    'allowed-hostnames': 'peer-cert-allowed-hostname',
    'skip-client-san-verification': 'peer-skip-client-san-verification',
  },
  'socket-options': { 'reuse-port': 'socket-reuse-port', 'reuse-address': 'socket-reuse-address' },
  'discovery-config': {
    discovery: 'discovery-token',
    token: 'discovery-token',
    endpoints: 'discovery-endpoints',
    'dial-timeout': 'discovery-dial-timeout',
    'request-timeout': 'discovery-request-timeout',
    'keepalive-time': 'discovery-keepalive-time',
    'keepalive-timeout': 'discovery-keepalive-timeout',
    secure: {
      cert: 'discovery-cert',
      key: 'discovery-key',
      cacert: 'discovery-cacert',
      'insecure-transport': 'discovery-insecure-transport',
      'insecure-skip-tls-verify': 'discovery-insecure-skip-tls-verify',
    },
    auth: { username: 'discovery-user', password: 'discovery-password' },
  },
}

/** Aliases only multiply what is written; a config file has use for few. */
const ALIASES_MAX = 100

/** Sets what the file says; the reason when it cannot be taken, else null. */
export function readFileOptions(text: string, options: OptionCollector): string | null {
  const { parseDocument } = loadPackage('yaml') as typeof Yaml
  const document = parseDocument(text, { intAsBigInt: true, uniqueKeys: true, logLevel: 'error' })
  const error = document.errors[0]
  if (error !== undefined) return error.message.split('\n')[0] ?? 'not YAML'
  let content: unknown
  try {
    content = document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (problem) {
    return (problem as Error).message
  }
  if (content === null) return null
  if (!isObject(content)) return 'not a list of keys with values'
  return setAll(content, BLOCKS, '', options)
}

function setAll(content: object, blocks: Block, path: string, options: OptionCollector): string | null {
  for (const [key, value] of Object.entries(content) as [string, unknown][]) {
    if (value === null || value === undefined) continue
    const place = `${path}${key}`
    const block = Object.hasOwn(blocks, key) ? blocks[key] : undefined
    if (typeof block === 'object') {
      if (!isObject(value)) return `${place}: not a list of keys with values`
      const problem = setAll(value, block, `${place}.`, options)
      if (problem !== null) return problem
      continue
    }
    const name = block ?? (path === '' ? key : null)
    const problem = name === null ? unknownKey(place, options) : setOne(place, name, value, options)
    if (problem !== null) return problem
  }
  return null
}

function setOne(place: string, name: string, value: unknown, options: OptionCollector): string | null {
  const meaning = meaningOf(name)
  if (meaning === null || name === 'config-file' || name === 'version') return unknownKey(place, options)
  const isDuration = meaning.kind === 'option' && meaning.spec.kind === 'duration'
  const text = textOf(value, isDuration)
  if (text === null) return `${place}: not a plain value`
  const set = options.set(name, meaning, text)
  return set.ok ? null : `${place}: invalid value "${text}": ${set.problem}`
}

function unknownKey(place: string, options: OptionCollector): null {
  options.warn(`the config file has an unknown key, which is ignored: ${place}`)
  return null
}

/** The text that a flag would have, or null for what no flag can say. */
function textOf(value: unknown, isDuration: boolean): string | null {
  if (Array.isArray(value)) {
    return value.every((part) => isScalar(part)) ? value.map((part) => scalarText(part as Scalar)).join(',') : null
  }
  if (!isScalar(value)) return null
  const isNumber = typeof value === 'bigint' || typeof value === 'number'
  return isNumber && isDuration ? `${scalarText(value)}ns` : scalarText(value)
}

/** A whole number that was written with an exponent is a whole number, not `1e+21`. */
function scalarText(value: Scalar): string {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value.toFixed(0) : String(value)
}

function isScalar(value: unknown): value is Scalar {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
