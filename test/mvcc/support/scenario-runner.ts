/** Runs the steps of a scenario against one actor and says what came of each. */

import { keyRange } from '../../../src/keyspace/key-range.js'
import type { KeyRecord } from '../../../src/keyspace/key-record.js'
import { LATEST } from '../../../src/keyspace/keyspace-view.js'
import { Word } from '../../../src/messages/shared-words.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { textOf } from './event-reader.js'
import type { HeardMessage } from './mailbox.js'
import type { MvccRig } from './mvcc-rig.js'
import { bytesOf, type RangeSpec } from './requests.js'
import { parseRange, parseRequest } from './scenario-text.js'

const LAST_SUB = 0xffff_ffff

export class ScenarioRunner {
  readonly #rig: MvccRig

  constructor(rig: MvccRig) {
    this.#rig = rig
  }

  run(command: readonly string[]): string[] {
    const request = parseRequest(command)
    if (request !== undefined) return [describeAnswer(this.#rig.ask(request))]
    const words = (command[0] as string).split(' ')
    switch (words[0]) {
      case 'get':
        return this.#get(words)
      case 'count':
        return [String(this.#count(parseRange(words[1]), atOf(words)))]
      case 'events':
        return this.#events()
      case 'told':
        return this.#toldLease()
      case 'leases':
        return this.#leases()
      case 'status':
        return this.#status()
      case 'pass':
        this.#rig.pass(Number(words[1]))
        return ['ok']
      case 'hold':
        this.#rig.words.store(Word.readFloor, Number(words[1]))
        return ['ok']
      case 'restart':
        this.#rig.restart()
        return this.#status()
      case 'crash':
        this.#rig.crash()
        return this.#status()
      default:
        throw new Error(`no command ${command[0]}`)
    }
  }

  #get(words: readonly string[]): string[] {
    const range = parseRange(words[1])
    const at = atOf(words)
    const lines: string[] = []
    this.#rig.view((view) => {
      view.scan(keyRange(bytesOf(range.key), bytesOf(range.end ?? '')), at, LAST_SUB, (record) => {
        lines.push(describeRecord(record))
        return true
      })
    })
    return lines.length === 0 ? ['nothing'] : lines
  }

  #count(range: RangeSpec, at: number): number {
    return this.#rig.view((view) =>
      view.count(keyRange(bytesOf(range.key), bytesOf(range.end ?? '')), at, LAST_SUB),
    )
  }

  #events(): string[] {
    const lines = this.#rig.node.events.take().map((event) => {
      if (typeof event === 'number') return `everything up to ${event} is in the store`
      const { main, sub, isLast, isTombstone, key, value } = event
      const what = isTombstone ? `delete ${key}` : `put ${key} = ${value}`
      return `${main}.${sub}${isLast ? '!' : ''} ${what}`
    })
    return lines.length === 0 ? ['nothing'] : lines
  }

  #toldLease(): string[] {
    const lines = this.#rig.node.lease.take().map(describeLeaseFact)
    return lines.length === 0 ? ['nothing'] : lines
  }

  #leases(): string[] {
    const lines: string[] = []
    this.#rig.view((view) => {
      view.leases((id, { ttlSeconds, grantedClockMs, renewedClockMs }) => {
        const keys: string[] = []
        view.leaseKeys(id, (key) => keys.push(textOf(key)) > 0)
        const times = `granted at ${grantedClockMs} renewed at ${renewedClockMs}`
        lines.push(`lease ${id} ttl ${ttlSeconds} ${times} keys [${keys.join(' ')}]`)
        return true
      })
      lines.push(`clock ${view.leaseClockMs}`)
    })
    return lines
  }

  /** Of what the store holds and of what the shared words say, which must agree. */
  #status(): string[] {
    const { words } = this.#rig
    const line = this.#rig.view((view) =>
      `index ${view.appliedIndex} revision ${view.currentRevision} compacted ${view.compactRevision}`,
    )
    const told = `index ${words.load(Word.appliedIndex)} revision ${words.load(Word.currentRevision)} `
      + `compacted ${words.load(Word.compactRevision)}`
    return line === told ? [line] : [line, `but the words say ${told}`]
  }
}

function atOf(words: readonly string[]): number {
  return words[2] === 'at' ? Number(words[3]) : LATEST
}

function describeRecord(record: KeyRecord): string {
  const { createRevision, modRevision, version } = record
  const lease = record.leaseId()
  return `${textOf(record.key)} = ${textOf(record.value)} (create ${createRevision} mod ${modRevision} `
    + `version ${version}${lease === 0n ? '' : ` lease ${lease}`})`
}

function describeAnswer(answer: HeardMessage): string {
  const error = Object.entries(etcdErrors).find(([, { id }]) => id === answer['error'])?.[0]
  const parts = [
    error === undefined ? 'ok' : `error ${error}`,
    `revision ${String(answer['revision'])}`,
    answer['flags'] === 1 ? 'changed' : '',
    answer['count'] === 0 ? '' : `count ${String(answer['count'])}`,
    answer['outcomeLow'] === 0 ? '' : `took ${Number(answer['outcomeLow']).toString(2)}`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function describeLeaseFact(fact: HeardMessage): string {
  switch (fact.message) {
    case 'granted':
      return `granted ${String(fact['leaseId'])} ttl ${String(fact['ttlSeconds'])} at ${String(fact['clockMs'])}`
    case 'revoked':
      return `revoked ${String(fact['leaseId'])}`
    case 'renewed': {
      const bytes = fact['leases'] as Uint8Array
      const ids = new BigInt64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
      return `renewed ${ids.join(',')} at ${String(fact['clockMs'])}`
    }
    case 'restored':
      return `restored at ${String(fact['clockMs'])}`
    case 'toldUpTo':
      return `told up to ${String(fact['index'])}`
    default:
      return `${fact.message} error ${String(fact['error'])}`
  }
}
