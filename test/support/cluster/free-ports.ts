/**
 * Ports for servers of a test. They lie below those that the kernel gives to outgoing connections, of which members
 * make many while others are still to listen; each test process has a slice of its own.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST_PORT = 24_000
const SLICES = 160
const SLICE_PORTS = 50

const firstOfSlice = FIRST_PORT + (process.pid % SLICES) * SLICE_PORTS
let tried = 0

/** A port that nobody listens on, and that this process is not told again before its slice has been gone through. */
export async function freePort(): Promise<number> {
  for (let left = SLICE_PORTS; left > 0; left--) {
    const port = firstOfSlice + (tried++ % SLICE_PORTS)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${firstOfSlice} to ${firstOfSlice + SLICE_PORTS - 1} is free`)
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
