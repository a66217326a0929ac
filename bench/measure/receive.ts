import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A receiver of metrics in a process of its own, as they are: says its port, takes what is posted and ends with its stdin. */
const server = createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(202).end())
})
// Clones may take longer than a connection is kept otherwise, and a new one would have to be made for the next record.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume().once('end', () => {
  server.close()
  server.closeAllConnections()
})
