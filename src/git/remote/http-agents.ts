import type { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { PlainAgent } from './node-http.ts'

/** Connections to servers, shared by all repositories. */
export interface HttpAgents {
  /** Kept alive for the next question. */
  readonly kept: Agent
  /** One for each request: a kept one may have been closed meanwhile, and some requests cannot be sent again. */
  readonly single: Agent
  /** Ends idle connections. */
  close(): void
}

const limits = { maxSockets: 256, maxFreeSockets: 16 }

/** Connections over plain http, for hosts that are exempt from TLS. */
export function plainAgents(): HttpAgents {
  const kept = new PlainAgent({ ...limits, keepAlive: true })
  return pair(kept, new PlainAgent({ ...limits, keepAlive: false }))
}

/** Connections over TLS, which trust `ca` instead of Node's own list where it is given. */
export function secureAgents({ ca }: { readonly ca: string | null }): HttpAgents {
  const trust = { rejectUnauthorized: true, ...(ca === null ? {} : { ca }) }
  const kept = new SecureAgent({ ...limits, ...trust, keepAlive: true })
  return pair(kept, new SecureAgent({ ...limits, ...trust, keepAlive: false }))
}

function pair(kept: Agent, single: Agent): HttpAgents {
  return {
    kept,
    single,
    close() {
      kept.destroy()
      single.destroy()
    },
  }
}
