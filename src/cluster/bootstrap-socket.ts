/** What a first start asks with: the machine's DNS, peers over HTTP, a discovery service. */

import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.js'
import type { BootstrapDevices } from './bootstrap.js'
import { peerAsker } from './peer-request-socket.js'

const PAUSE_MS = 500
/** Pauses grow to this. */
const PAUSE_MS_MAX = 15_000

/** `tell` hears what a start waits for: there is no log yet. */
export function bootstrapDevices(config: Config, tell: (line: string) => void): BootstrapDevices {
  return {
    askPeer: peerAsker(config.peerTls),
    dns: { resolveSrv: (name) => dns.resolveSrv(name), resolveHost },
    openDiscovery: async (discovery) => {
      // With its package of clients, which no other start needs.
      const { DiscoveryClientSocket } = await import('./discovery/discovery-client-socket.js')
      return new DiscoveryClientSocket(discovery)
    },
    // As etcd's members do, it waits for the service for as long as it takes.
    pause: async (attempt, problem) => {
      tell(`asking the discovery service again: ${problem}`)
      await sleep(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempt))
    },
    log: (message, fields) => {
      tell([message, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' '))
    },
  }
}

async function resolveHost(host: string): Promise<string | null> {
  if (isIP(host) !== 0) return host
  try {
    return (await dns.lookup(host)).address
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    return null
  }
}
