/** What --help and --version print, made from the declarations of the options. */

import type { OptionSpec } from './options/option-spec.js'
import { OPTIONS } from './options/options.js'
import { SERVER_VERSION } from './versions.js'

const INDENT = '  '
const TEXT_INDENT = '    \t'

export function helpText(): string {
  const sections = new Map<string, OptionSpec[]>()
  for (const spec of OPTIONS) {
    const list = sections.get(spec.section) ?? []
    list.push(spec)
    sections.set(spec.section, list)
  }
  const lines = [
    'Usage:',
    '',
    `${INDENT}raftring [flags]`,
    `${INDENT}${INDENT}Start a raftring server: a key-value store that speaks etcd v3.`,
    '',
    `${INDENT}raftring --version`,
    `${INDENT}raftring -h | --help`,
    '',
    'Every flag can be set by an environment variable too: --data-dir is ETCD_DATA_DIR.',
  ]
  for (const [section, specs] of sections) {
    lines.push('', `${section}:`)
    for (const spec of specs) lines.push(...optionLines(spec))
  }
  return `${lines.join('\n')}\n`
}

function optionLines(spec: OptionSpec): string[] {
  if (spec.kind === 'ignored') return [`${INDENT}--${spec.name}`]
  const isBare = ['count', 'size', 'integer', 'bool', 'duration'].includes(spec.kind)
  const text = spec.shown ?? spec.default
  const shown = isBare ? text : `'${text}'`
  const choices = spec.choices === undefined ? '' : ` One of ${spec.choices.join(', ')}.`
  return [`${INDENT}--${spec.name} ${shown}`, `${TEXT_INDENT}${spec.text}${choices}`]
}

/** Go's names of processors, where Node.js has others. */
const GO_ARCHITECTURES: ReadonlyMap<string, string> = new Map([['x64', 'amd64'], ['ia32', '386']])

/** The first four lines are those of etcd, which scripts take apart; there is no Go here. */
export function versionText(raftringVersion: string): string {
  return [
    `etcd Version: ${SERVER_VERSION}`,
    'Git SHA: none',
    'Go Version: none',
    `Go OS/Arch: ${process.platform}/${GO_ARCHITECTURES.get(process.arch) ?? process.arch}`,
    `raftring Version: ${raftringVersion}`,
    `Node.js Version: ${process.version}`,
    '',
  ].join('\n')
}
