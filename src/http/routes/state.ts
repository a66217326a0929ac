import type { HostReport } from '../../sandbox/host-report.ts'
import { callerOptions } from '../caller.ts'
import type { Door, ServiceParts } from '../door.ts'

const tags = ['service']

/** What operators ask: whether the service can do its work, what it holds, and what happened lately. */
export function stateRoutes(door: Door, { engine, version, health, isDraining, metrics, recent }: ServiceParts): void {
  const startedAt = performance.now()

  door.get(
    '/readyz',
    { schema: { summary: 'Whether the service can do its work, else why not.', tags } },
    async (_, reply) => {
      const report = await health()
      const isReady = report.able && !isDraining()
      return reply.code(isReady ? 200 : 503).send({ ready: isReady, degraded: degraded(report, isDraining()) })
    },
  )

  door.get(
    '/v1/state',
    { schema: { summary: 'What the service holds and does now.', tags } },
    async (request, reply) => {
      const [state, report] = await Promise.all([engine.state(callerOptions(request, reply)), health()])
      const { rss, heapUsed, external } = process.memoryUsage()
      const memory = { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
      const uptimeMs = Math.round(performance.now() - startedAt)
      return { value: { version, uptimeMs, ...state, memory, degraded: degraded(report, isDraining()) } }
    },
  )

  door.get(
    '/v1/operations/recent',
    { schema: { summary: 'Operations that failed or were slow, and a few others, the newest first.', tags } },
    async () => ({ value: recent.list(null) }),
  )

  door.get('/metrics', { schema: { summary: 'What Prometheus scrapes.', tags } }, async (_, reply) => {
    const { contentType, text } = await metrics.exposition()
    return reply.type(contentType).send(text)
  })
}

/** In words; what is no hindrance but should be known is among them. */
function degraded({ checks }: HostReport, isDraining: boolean): readonly string[] {
  const lacking = checks.filter(({ ok, fix }) => !ok || fix !== '').map(({ name, detail }) => `${name}: ${detail}`)
  return isDraining ? ['the service is about to end: it takes nothing new', ...lacking] : lacking
}
