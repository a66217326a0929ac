import { z } from 'zod'
import { checkOperator } from '../../engine/caller.ts'
import type { HostReport } from '../../sandbox/host-report.ts'
import { callerOf } from '../caller.ts'
import type { Door, ServiceParts } from '../door.ts'
import { valueOf } from '../schemas.ts'
import { notableOperations, readiness, serviceState } from '../state-schemas.ts'

const tags = ['service']

/** What operators ask: whether the service can do its work, what it holds, and what happened lately. */
export function stateRoutes(
  door: Door,
  { engine, version, health, life, keys, hooks, metrics, recent }: ServiceParts,
): void {
  const startedAt = performance.now()

  /** In words; what is no hindrance but should be known is among them. */
  function degraded({ checks }: HostReport): readonly string[] {
    const lacking = checks.filter(({ ok, fix }) => !ok || fix !== '').map(({ name, detail }) => `${name}: ${detail}`)
    const ending = life.isDraining ? ['the service is about to end: it takes nothing new'] : []
    const troubles = [keys?.trouble ?? null, hooks.trouble].filter((trouble) => trouble !== null)
    return [...ending, ...troubles, ...lacking]
  }

  /** What concerns all tenants together. */
  async function host() {
    const { rss, heapUsed, external } = process.memoryUsage()
    const memory = { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
    return { memory, degraded: degraded(await health()) }
  }

  door.get(
    '/readyz',
    {
      schema: {
        summary: 'Whether the service can do its work, else why not.',
        tags,
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_, reply) => {
      const report = await health()
      const isReady = report.able && !life.isDraining
      // Anybody may ask; where callers are told apart, why not is for those who bear a key.
      const why = keys === null ? { degraded: degraded(report) } : {}
      return reply.code(isReady ? 200 : 503).send({ ready: isReady, ...why })
    },
  )

  door.get(
    '/v1/state',
    { schema: { summary: 'What the service holds and does now.', tags, response: { 200: valueOf(serviceState) } } },
    async (request) => {
      const state = await engine.state(callerOf(request))
      const uptimeMs = Math.round(performance.now() - startedAt)
      const about = request.tenant?.isOperator === false ? null : await host()
      return { value: { version, uptimeMs, ...state, host: about } }
    },
  )

  door.get(
    '/v1/operations/recent',
    {
      schema: {
        summary: 'Operations that failed or were slow, and a few others, the newest first.',
        tags,
        response: { 200: valueOf(notableOperations) },
      },
    },
    async ({ tenant }) => ({ value: recent.list(tenant === null || tenant.isOperator ? null : tenant.tenant) }),
  )

  const exposition = { description: 'Text format.', content: { 'text/plain': { schema: z.string() } } }
  door.get(
    '/metrics',
    { schema: { summary: 'What Prometheus scrapes.', tags, response: { 200: exposition } } },
    async (request, reply) => {
      checkOperator(callerOf(request).caller)
      const { contentType, text } = await metrics.exposition()
      return reply.type(contentType).send(text)
    },
  )
}
