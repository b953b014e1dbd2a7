/** What is bound for a URL, found out before and done for real. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, linkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { afterEach, test } from 'node:test'
import { Client, credentials } from '@grpc/grpc-js'
import { parseUrls, type ListenUrl } from '../../../src/config/urls.js'
import { bindAddresses, type BindAddress } from '../../../src/listen/bind-addresses.js'
import { probe } from '../../../src/listen/port-probe-socket.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { EchoServer } from '../grpc/support/echo-server.js'
import { ECHO } from '../grpc/support/echo-service.js'

const directory = temporaryDirectory()
const servers: EchoServer[] = []

function url(text: string): ListenUrl {
  const parsed = parseUrls(text)
  assert(parsed.ok)
  return parsed.urls[0] as ListenUrl
}

async function listen(address: BindAddress): Promise<number> {
  const server = new EchoServer()
  servers.push(server)
  return (await server.listener.listen(address, { role: 'client' }))?.port ?? -1
}

const same = (bytes: Buffer): Buffer => bytes

async function echo(target: string): Promise<string> {
  const client = new Client(target, credentials.createInsecure())
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(`${ECHO}Unary`, same, same, Buffer.from(target), (error, answer) => {
        if (error === null) resolve(String(answer))
        else reject(error)
      })
    })
  } finally {
    client.close()
  }
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

test('localhost is both loopback addresses, the unspecified one both families, all else what it says', () => {
  const hosts = (text: string): string[] =>
    bindAddresses(url(text)).map((address) => (address.kind === 'tcp' ? address.host : address.path))
  assert.deepEqual(hosts('http://localhost:1'), ['127.0.0.1', '::1'])
  assert.deepEqual(hosts('http://0.0.0.0:1'), ['::'])
  assert.deepEqual(hosts('http://10.0.0.1:1'), ['10.0.0.1'])
  assert.deepEqual(hosts('unix:///run/a.sock'), ['/run/a.sock'])
  assert.deepEqual(hosts('unixs://localhost:1'), ['localhost:1'])
})

test('the unspecified address answers clients of both families', async () => {
  const [address] = bindAddresses(url('http://0.0.0.0:0')) as [BindAddress]
  const port = await listen(address)
  assert.equal(await echo(`127.0.0.1:${port}`), `127.0.0.1:${port}`)
  assert.equal(await echo(`[::1]:${port}`), `[::1]:${port}`)
})

test('a unix socket serves gRPC, and is gone when its server is', async () => {
  const path = directory.path('a.sock')
  assert.equal(await listen({ kind: 'unix', path }), 0)
  assert.equal(await echo(`unix:${path}`), `unix:${path}`)
  assert.notEqual(await probe({ kind: 'unix', path }), null)
  await servers.pop()?.close()
  assert.equal(existsSync(path), false)
})

test('a socket that a killed server has left behind is replaced, a file of another kind is not', async () => {
  const stale = directory.path('stale.sock')
  // Closing takes the path away; a server that was killed does not get that far.
  const killed = createServer()
  killed.listen(directory.path('before.sock'))
  await once(killed, 'listening')
  linkSync(directory.path('before.sock'), stale)
  killed.close()
  assert.equal(await probe({ kind: 'unix', path: stale }), null)
  await listen({ kind: 'unix', path: stale })
  assert.equal(await echo(`unix:${stale}`), `unix:${stale}`)
  const file = directory.path('file')
  writeFileSync(file, 'kept')
  await assert.rejects(listen({ kind: 'unix', path: file }), { code: 'EADDRINUSE' })
  assert.ok(existsSync(file))
})

test('a taken port is found out without listening on it, in the words of etcd', async () => {
  const port = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
  const problem = await probe({ kind: 'tcp', host: '127.0.0.1', port })
  assert.equal(problem, `listen tcp 127.0.0.1:${port}: bind: address already in use`)
  await servers.pop()?.close()
  assert.equal(await probe({ kind: 'tcp', host: '127.0.0.1', port }), null)
  const refused = connect(port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNREFUSED')
})

test('an address of another machine cannot be bound', async () => {
  const problem = await probe({ kind: 'tcp', host: '192.0.2.1', port: 2379 })
  assert.equal(problem, 'listen tcp 192.0.2.1:2379: bind: cannot assign requested address')
})
