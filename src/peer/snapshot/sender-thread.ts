/** The helper thread's side of sender-protocol.ts. */

import { randomInt } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import { openTlsMaterial } from '../../listen/tls-material-file.js'
import { SharedWords } from '../../messages/shared-words.js'
import type { LogFields, Logger } from '../../metrics/logger.js'
import { removeStoreFile } from '../../store/restore-store.js'
import { Dialer } from '../streams/dial-socket.js'
import type { SenderOrder, SenderReport, SnapshotSenderStart } from './sender-protocol.js'
import { SnapshotSender } from './snapshot-sender.js'

/** As the helper sees its port. */
export interface SenderPort {
  postMessage(report: SenderReport): void
  on(event: 'message', listener: (order: SenderOrder) => void): void
  close(): void
}

export interface SenderDevices {
  readonly pause: (ms: number) => Promise<unknown>
  readonly clock: Clock
}

const RANDOM_STEPS = 2 ** 32

export async function runSnapshotSender(
  start: SnapshotSenderStart,
  port: SenderPort,
  { pause, clock }: SenderDevices,
): Promise<void> {
  const { self, tls, localAddress, storeDir, bytesPerSecond } = start
  const material = tls === null ? null : await openTlsMaterial(tls, loggerOf(port))
  if (material !== null && !material.ok) throw new Error(material.message)
  const dialer = new Dialer({ self, material: material?.material ?? null, localAddress, onGone: () => undefined })
  const sender = new SnapshotSender({
    dialer,
    storeDir,
    words: new SharedWords(start.words),
    bytesPerSecond,
    clock,
    pause,
    random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
    removeFile: removeStoreFile,
    report: (report) => port.postMessage(report),
  })
  port.on('message', (order) => {
    if (order.kind === 'send') void sender.send(order)
    else {
      sender.stop()
      port.close()
    }
  })
}

function loggerOf(port: SenderPort): Logger {
  const tell = (level: 'info' | 'warn') => (_caller: string, message: string, fields: LogFields = {}): void => {
    port.postMessage({ kind: 'log', level, message, fields: fields as Readonly<Record<string, string | number>> })
  }
  const ignore = (): void => undefined
  return { debug: ignore, info: tell('info'), warn: tell('warn'), error: tell('warn'), enabled: () => true }
}
