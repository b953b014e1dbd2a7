/**
 * The words of test/scenarios/mvcc/*.txt. A scenario is a list of steps: a command line, lines indented under it, a
 * line of three dashes, and what came of it up to the next empty line.
 */

import type { CompareSpec, OpSpec, PutSpec, RangeSpec, RequestSpec, TxnSpec } from './requests.js'

export interface Step {
  /** Comment and empty lines that stand before the command. */
  readonly preamble: readonly string[]
  readonly command: readonly string[]
  readonly expected: readonly string[]
}

export function parseScenario(text: string): Step[] {
  const steps: Step[] = []
  const lines = text.split('\n')
  let at = 0
  const takeWhile = (isTaken: (line: string) => boolean): string[] => {
    const from = at
    while (at < lines.length && isTaken(lines[at] as string)) at++
    return lines.slice(from, at)
  }
  for (;;) {
    const preamble = takeWhile((line) => line === '' || line.startsWith('#'))
    const command = takeWhile((line) => line !== '' && line !== '---')
    if (command.length === 0) return steps
    if (lines[at] === '---') at++
    steps.push({ preamble, command, expected: takeWhile((line) => line !== '') })
  }
}

export function printScenario(steps: readonly { step: Step; actual: readonly string[] }[]): string {
  const lines = steps.flatMap(({ step, actual }) => [...step.preamble, ...step.command, '---', ...actual])
  return `${lines.join('\n')}\n`
}

/** A request, or undefined when the first word is another command. */
export function parseRequest(command: readonly string[]): RequestSpec | undefined {
  const words = (command[0] as string).split(' ')
  switch (words[0]) {
    case 'put':
      return { kind: 'put', put: parsePut(words.slice(1)) }
    case 'delete':
      return { kind: 'delete', range: parseRange(words[1]) }
    case 'txn':
      return { kind: 'txn', txn: parseTxn(command.slice(1), 2) }
    case 'compact':
      return { kind: 'compact', revision: Number(words[1]) }
    case 'grant':
      return { kind: 'grant', lease: BigInt(words[1] as string), ttl: Number(words[3]) }
    case 'revoke':
      return { kind: 'revoke', lease: BigInt(words[1] as string) }
    case 'tick':
      return { kind: 'extension', extension: { lease_clock_ms: Number(words[1]) } }
    case 'renew':
    case 'expire':
      return parseBatch(words)
    default:
      return undefined
  }
}

/** `key`, `from..to`, `from..` to the end. */
export function parseRange(word: string | undefined): RangeSpec {
  if (word === undefined) throw new Error('a range is missing')
  const at = word.indexOf('..')
  if (at < 0) return { key: word }
  return { key: word.slice(0, at), end: word.slice(at + 2) || '\0' }
}

/** `renew 1,2 epoch 3 clock 1000`; without a clock the epoch is 0. */
function parseBatch(words: readonly string[]): RequestSpec {
  const ids = (words[1] as string).split(',').map(BigInt)
  const epoch = Number(words[3])
  const time = { lease_clock_ms: Number(words[5] ?? 0), clock_epoch: epoch }
  const extension = words[0] === 'renew' ? { ...time, renew: { ids } } : { ...time, revoke: { ids, epoch } }
  return { kind: 'extension', extension }
}

/** `key value`, then any of `lease=7`, `ignore-value`, `ignore-lease`. */
function parsePut(words: readonly string[]): PutSpec {
  const options = words.filter((word) => word.startsWith('lease=') || word.startsWith('ignore-'))
  const [key, value] = words.filter((word) => !options.includes(word))
  const lease = options.find((option) => option.startsWith('lease='))
  return {
    key: key as string,
    value: value ?? '',
    ...(lease === undefined ? {} : { lease: BigInt(lease.slice(6)) }),
    ignoreValue: options.includes('ignore-value'),
    ignoreLease: options.includes('ignore-lease'),
  }
}

/** Lines at `indent`: `if mod a = 3`, `then put a 1`, `else txn` with its own lines two columns further in. */
function parseTxn(lines: readonly string[], indent: number): TxnSpec {
  const compare: CompareSpec[] = []
  const success: OpSpec[] = []
  const failure: OpSpec[] = []
  for (let at = 0; at < lines.length; at++) {
    const words = (lines[at] as string).slice(indent).split(' ')
    const nested = lines.slice(at + 1)
    const end = nested.findIndex((line) => line[indent] !== ' ')
    const children = end < 0 ? nested : nested.slice(0, end)
    if (words[0] === 'if') compare.push(parseCompare(words))
    else (words[0] === 'then' ? success : failure).push(parseOp(words.slice(1), children, indent + 2))
    at += children.length
  }
  return { compare, success, failure }
}

function parseOp(words: readonly string[], children: readonly string[], indent: number): OpSpec {
  switch (words[0]) {
    case 'put':
      return { kind: 'put', put: parsePut(words.slice(1)) }
    case 'delete':
      return { kind: 'delete', range: parseRange(words[1]) }
    case 'get': {
      const revision = words[2] === 'at' ? { revision: Number(words[3]) } : {}
      return { kind: 'range', range: { ...parseRange(words[1]), ...revision } }
    }
    case 'txn':
      return { kind: 'txn', txn: parseTxn(children, indent) }
    default:
      throw new Error(`no operation ${words.join(' ')}`)
  }
}

function parseCompare(words: readonly string[]): CompareSpec {
  const [, target, range, result, operand] = words
  return {
    target: target as CompareSpec['target'],
    result: result as CompareSpec['result'],
    ...parseRange(range),
    operand: operand ?? '',
  }
}
