/** etcdutl's four ways to print a result, to the letter. */

import Table from 'cli-table3'
import { DONE, ExitCode, failed, type CommandResult } from './command-result.js'

export interface Printable {
  /** For `simple` and `table`: column titles with their values. */
  readonly row: readonly (readonly [title: string, value: string])[]
  /** For `fields`: names with their values. */
  readonly fields: readonly (readonly [name: string, value: number | string])[]
  /** For `json`. */
  readonly json: Readonly<Record<string, number | string>>
}

export type Print = (line: string) => void

export const FORMATS = ['simple', 'fields', 'json', 'table', 'protobuf'] as const

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

export function printResult(format: string, result: Printable, print: Print): CommandResult {
  switch (format) {
    case 'simple':
      print(result.row.map(([, value]) => value).join(', '))
      return DONE
    case 'fields':
      for (const [name, value] of result.fields) print(`"${name}" : ${value}`)
      return DONE
    case 'json':
      print(JSON.stringify(result.json))
      return DONE
    case 'table':
      print(tableOf(result.row))
      return DONE
    case 'protobuf':
      return failed(`${format} not supported as output format`, ExitCode.unsupportedFormat)
    default:
      return failed('unsupported output format', ExitCode.badArguments)
  }
}

/** Bytes as people read them: in thousands, with a decimal below ten. */
export function humanBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10
  return `${value < 10 ? value.toFixed(1) : halfToEven(value)} ${UNITS[power]}`
}

/** As the language of etcd's tools rounds what it prints. */
function halfToEven(value: number): number {
  const whole = Math.floor(value)
  return value - whole === 0.5 ? whole + (whole % 2) : Math.round(value)
}

function tableOf(row: Printable['row']): string {
  const table = new Table({
    head: row.map(([title]) => ({ content: title.toUpperCase(), hAlign: 'center' as const })) as unknown as string[],
    style: { head: [], border: [] },
    colAligns: row.map(() => 'right'),
  })
  table.push(row.map(([, value]) => value))
  return table.toString()
}
