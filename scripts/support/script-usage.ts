/** The usage of a script, in columns, with defaults. */

import type { OptionSpec, OptionSpecs, ScriptSpec } from './script-options.js'

const LINE_MAX = 110
const GAP = 2

const PLACEHOLDERS = { count: 'N', number: 'N', text: 'TEXT', list: 'A,B', flags: '"..."', switch: '' } as const

export function usageText<O extends OptionSpecs>(
  { does, command, options, words }: ScriptSpec<O> & { readonly command: string },
): string {
  const rows: (readonly [string, string])[] = Object.entries(options ?? {}).map(([name, option]) =>
    [leftOf(name, option), `${option.text ?? ''}${noteOf(option)}`])
  if (words !== undefined) rows.unshift([words.names, words.text ?? ''])
  rows.push(['--help', 'this text'])
  const width = Math.max(...rows.map(([left]) => left.length)) + GAP
  const indent = ' '.repeat(width + 2)
  const lines = rows.map(([left, right]) =>
    `  ${left.padEnd(width)}${wrap(right, LINE_MAX - indent.length).join(`\n${indent}`)}`)
  const beside = words === undefined ? '' : ` ${words.names}`
  return [`Usage: ${command} [options]${beside}`, '', ...wrap(does, LINE_MAX), '', ...lines].join('\n')
}

export function optionDefault(option: OptionSpec): string | number | boolean | readonly string[] | null {
  switch (option.type) {
    case 'switch': return false
    case 'list':
    case 'flags': return []
    case 'count':
    case 'number':
    case 'text': return option.default ?? null
  }
}

function leftOf(name: string, option: OptionSpec): string {
  const choices = option.type === 'text' && option.value === undefined ? option.choices?.join('|') : undefined
  return `--${name} ${choices ?? option.value ?? PLACEHOLDERS[option.type]}`.trimEnd()
}

/** ` (20, or ROUNDS)`: what holds when the option is not given. */
function noteOf(option: OptionSpec): string {
  const value = optionDefault(option)
  const shown = option.shown ?? (typeof value === 'number' || typeof value === 'string' ? String(value) : '')
  const parts = [shown, option.env === undefined ? '' : `or ${option.env}`].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
