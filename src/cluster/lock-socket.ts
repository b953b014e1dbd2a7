/**
 * A directory's lock where there is no flock program: a unix socket with a name of its own, listening in the
 * directory. Who finds another one that answers has lost. Each first listens and then looks, so of two at the same
 * time at least one sees the other; a socket whose process is gone answers nothing and is removed.
 */

import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { platform } from 'node:os'
import { join } from 'node:path'

export interface Lock {
  release(): void
}

const NAME = /^lock-[0-9a-f]{16}\.sock$/

export class SocketLock implements Lock {
  readonly #directory: string
  readonly #name: string
  readonly #server: Server
  readonly #descriptor: number

  private constructor(directory: string, name: string, server: Server, descriptor: number) {
    this.#directory = directory
    this.#name = name
    this.#server = server
    this.#descriptor = descriptor
  }

  /** Null when another process holds the directory. */
  static async take(directory: string): Promise<SocketLock | null> {
    const name = `lock-${randomBytes(8).toString('hex')}.sock`
    const descriptor = openSync(directory, 'r')
    const server = createServer((socket) => socket.destroy())
    server.unref()
    await listening(server, socketPath(directory, descriptor, name))
    const lock = new SocketLock(directory, name, server, descriptor)
    for (const other of readdirSync(directory)) {
      if (other === name || !NAME.test(other)) continue
      if (await answers(socketPath(directory, descriptor, other))) {
        lock.release()
        return null
      }
      rmSync(join(directory, other), { force: true })
    }
    return lock
  }

  release(): void {
    this.#server.close()
    rmSync(join(this.#directory, this.#name), { force: true })
    closeSync(this.#descriptor)
  }
}

/**
 * A socket's path is limited to about a hundred bytes, a directory's is not: on Linux the way there is a descriptor.
 */
function socketPath(directory: string, descriptor: number, name: string): string {
  return platform() === 'linux' ? `/proc/self/fd/${descriptor}/${name}` : join(directory, name)
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}

/**
 * Anything but a refusal means that somebody is there: a stopped process accepts nothing, but its socket still queues.
 */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
