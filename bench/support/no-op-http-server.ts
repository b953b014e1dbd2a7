/**
 * Answers whatever comes with one canned reply per chunk: as fast as a server can be for a driver that has one request
 * open per connection. What it reaches is the driver's own ceiling.
 */

import { createServer, type AddressInfo } from 'node:net'

const BODY = '{"header":{"cluster_id":"1","member_id":"1","revision":"1","raft_term":"1"}}'
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
)

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(ANSWER))
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
