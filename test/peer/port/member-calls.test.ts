/** A call from one member's front to another's, over a real connection: carried whole, answered once, bounded. */

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Slice } from '../../../src/base/slice.js'
import { peerAsker } from '../../../src/cluster/peer-request-socket.js'
import { frontMessages, type FrontMessages } from '../../../src/messages/front-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import type { Sender } from '../../../src/messages/protocol.js'
import { MemberCalls } from '../../../src/peer/member-calls.js'
import { MemberCallServer } from '../../../src/peer/port/member-call-server.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { Mailbox, type HeardMessage } from '../../mvcc/support/mailbox.js'

/** A front as peer sees it: what it is told, and a wait for that. */
class Front {
  readonly sender: Sender<FrontMessages>
  readonly #ring = allocateRing(256 * 1024)
  readonly #writer = new RingWriter(this.#ring)
  readonly #mailbox = new Mailbox(frontMessages, this.#ring)
  #wake: () => void = () => undefined

  constructor() {
    this.sender = senderOf(frontMessages, this.#writer)
  }

  /** What peer does at the end of its turn. */
  readonly publish = (): void => {
    this.#writer.publish()
    this.#wake()
  }

  async hears(): Promise<HeardMessage> {
    for (;;) {
      const [heard] = this.#mailbox.take()
      if (heard !== undefined) return heard
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

const asking = new Front()
const answering = new Front()
const answers = new MemberCallServer(answering.sender, answering.publish)
const asks = new MemberCalls({ ask: peerAsker(null), fields: {}, fronts: [asking.sender], requestTurn: asking.publish })
let server: Server
let url = ''

before(async () => {
  server = createServer(answers.onRequest)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(() => server.close())

function slice(text: string | Uint8Array): Slice {
  const bytes = Buffer.from(text)
  return new Slice().at(bytes, 0, bytes.length)
}

function ask(call: number, data: string | Uint8Array, urls: readonly string[] = [url]): void {
  const fields = { call, front: 0, to: 7n, method: slice('/a.B/C'), token: slice('secret'), data: slice(data) }
  asks.onAskMember(fields, urls)
}

function textOf(message: HeardMessage, field: string): string {
  return Buffer.from(message[field] as Uint8Array).toString('utf8')
}

test('a call arrives with its method, token and bytes, and its answer comes back with status and text', async () => {
  ask(1, 'question')
  const heard = await answering.hears()
  assert.deepEqual(
    [heard.message, textOf(heard, 'method'), textOf(heard, 'token'), textOf(heard, 'data')],
    ['memberAsks', '/a.B/C', 'secret', 'question'],
  )
  const call = heard['call'] as number
  answers.onAnswerMember({ call, status: 9, message: slice('läuft: nicht'), data: slice('answer') })
  const answer = await asking.hears()
  assert.deepEqual(
    [answer['call'], answer['isAnswered'], answer['status'], textOf(answer, 'message'), textOf(answer, 'data')],
    [1, 1, 9, 'läuft: nicht', 'answer'],
  )
})

test('a URL where nobody is is passed over; without any the front hears that nobody answered', async () => {
  ask(2, 'again', ['http://127.0.0.1:1', url])
  const heard = await answering.hears()
  answers.onAnswerMember({ call: heard['call'] as number, status: 0, message: slice(''), data: slice('') })
  assert.equal((await asking.hears())['isAnswered'], 1)
  ask(3, 'nobody', ['http://127.0.0.1:1'])
  assert.equal((await asking.hears())['isAnswered'], 0)
  ask(4, 'nowhere', [])
  assert.equal((await asking.hears())['isAnswered'], 0)
})

test('a call that is too long is cut off', async () => {
  ask(5, Buffer.alloc(100_000))
  assert.equal((await asking.hears())['isAnswered'], 0)
})

test('an answer that nobody waits for is dropped', () => {
  answers.onAnswerMember({ call: 999, status: 0, message: slice(''), data: slice('') })
})
