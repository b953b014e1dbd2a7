/** The ring to peer. Messages are encoded where the ring keeps them: an entry's bytes are copied once, from the log. */

import { entryRoomBytes } from '../config/limits.js'
import { senderOf } from '../messages/message-codec.js'
import { peerMessages, type PeerMessages } from '../messages/peer-messages.js'
import { layoutOf, type Sender } from '../messages/protocol.js'
import type { RingWriter } from '../ring/ring-writer.js'
import { MessageType, type RaftMessage } from './core/raft-message.js'
import { messageSize, writeMessage } from './raft-wire.js'

const SEND = layoutOf('send', peerMessages.send)
const [TO, URGENT, DATA] = ['to', 'urgent', 'data'].map(offsetOf) as [number, number, number]

export class PeerOutlet {
  readonly #writer: RingWriter
  readonly #sender: Sender<PeerMessages>
  readonly #requestBytesMax: number

  constructor(writer: RingWriter, requestBytesMax: number) {
    this.#writer = writer
    this.#sender = senderOf(peerMessages, writer)
    this.#requestBytesMax = requestBytesMax
  }

  /** Bytes of entries that the ring can take now; a longest message more always fits beside them. */
  get roomBytes(): number {
    return entryRoomBytes(this.#writer.freeBytes, this.#requestBytesMax)
  }

  /** False when the ring is full: nothing was sent. */
  send(message: RaftMessage): boolean {
    if (message.type === MessageType.snapshot) return this.#sendSnapshot(message)
    const size = messageSize(message)
    const writer = this.#writer
    const at = writer.claim(SEND.number, SEND.fixedBytes + size)
    if (at < 0) return false
    writer.view.setBigInt64(at + TO, BigInt.asIntN(64, message.to), true)
    writer.view.setUint8(at + URGENT, isUrgent(message) ? 1 : 0)
    writer.view.setUint32(at + DATA, size, true)
    writeMessage(writer.bytes, at + SEND.fixedBytes, message)
    writer.commit(SEND.fixedBytes + size)
    return true
  }

  #sendSnapshot(message: RaftMessage): boolean {
    const data = new Uint8Array(messageSize(message))
    writeMessage(data, 0, message)
    return this.#sender.sendSnapshot({ to: BigInt.asIntN(64, message.to), data })
  }
}

/** Everything that carries no entries: it must not wait behind any. */
function isUrgent({ type, entries }: RaftMessage): boolean {
  return type !== MessageType.append && type !== MessageType.propose && entries.length === 0
}

function offsetOf(name: string): number {
  return SEND.fields.find((field) => field.name === name)?.offset ?? -1
}
