/** Finds out what a connection begins with, and leaves it there to be read again. */

import type { Socket } from 'node:net'

/** A TLS record of a handshake begins so; neither HTTP/1.1 nor the preface of HTTP/2 does. */
export const TLS_HANDSHAKE_OCTET = 0x16

/**
 * Calls `onOctet` once, with the socket paused; a connection that ends, or says nothing for so long, is closed instead.
 */
export function firstOctet(socket: Socket, timeoutMs: number, onOctet: (octet: number) => void): void {
  const forget = (): void => {
    socket.removeListener('data', onData)
    socket.removeListener('timeout', onTimeout)
    socket.removeListener('error', onError)
    socket.setTimeout(0)
  }
  const onTimeout = (): void => void socket.destroy()
  /** 'close' follows; the reason is the client's own affair. */
  const onError = (): void => undefined
  const onData = (chunk: Buffer): void => {
    forget()
    socket.pause()
    socket.unshift(chunk)
    onOctet(chunk[0] as number)
  }
  socket.setTimeout(timeoutMs, onTimeout)
  socket.on('error', onError)
  socket.on('data', onData)
}
