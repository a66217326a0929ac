import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { systemClock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { refuseBroken } from '../broken-request.ts'
import type { Door, ServiceParts } from '../door.ts'
import { hookCrowd } from '../hook-crowd.ts'
import { githubPush, gitlabPush, pushOf } from '../hook-event.ts'
import { hookReplays } from '../hook-replays.ts'
import { hookKinds, hookPath, type HookKind } from '../hook-secrets.ts'
import { mayBeVouchedFor, vouchedBy } from '../hook-signature.ts'
import { routeUnknown } from '../problem.ts'
import { exampleRepo, valueOf, withExample } from '../schemas.ts'

/** Their part of the time for a request to arrive: servers send them at once, and nobody has proved anything yet. */
const ARRIVAL_SHARE = 1 / 6

const pushed = { ref: 'refs/heads/main', after: '0123456789abcdef0123456789abcdef01234567' }
const described = {
  github: {
    summary: 'Take a webhook of GitHub: what was pushed is fetched in the background.',
    headers: z.object({ 'X-GitHub-Event': z.string(), 'X-Hub-Signature-256': z.string() }),
    body: withExample(githubPush, { ...pushed, repository: { clone_url: `${exampleRepo}.git` } }),
  },
  gitlab: {
    summary: 'Take a webhook of GitLab: what was pushed is fetched in the background.',
    headers: z.object({
      'X-Gitlab-Token': z.string().optional(),
      'webhook-id': z.string().optional(),
      'webhook-timestamp': z.string().optional(),
      'webhook-signature': z.string().optional(),
    }),
    body: withExample(gitlabPush, {
      event_name: 'push',
      ...pushed,
      project: { git_http_url: `${exampleRepo}.git` },
    }),
  },
} satisfies Record<HookKind, object>

/** What git servers announce. Nobody needs a key here, and nothing is read before its signature held. */
export function hookRoutes(door: Door, { engine, hooks, arrivalMs }: ServiceParts): void {
  const replays = hookReplays(systemClock)
  const crowd = hookCrowd()

  /** Refuses what can be refused before its body comes. */
  async function admit(kind: HookKind, { headers, ip, raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
    const secrets = await hooks.of(kind)
    if (secrets.length === 0) throw routeUnknown()
    await crowd.assertTrusted(ip)
    if (!mayBeVouchedFor(kind, headers, secrets)) throw await unsigned(ip, 0)
    // Who has gone already tells so to nobody any more.
    if (reply.raw.destroyed) return
    reply.raw.once('close', crowd.enter(ip))
    const late = { code: 'ERR_HTTP_REQUEST_TIMEOUT' }
    const timer = setTimeout(() => refuseBroken(late, raw.socket), arrivalMs * ARRIVAL_SHARE)
    raw.once('end', () => clearTimeout(timer))
    reply.raw.once('close', () => clearTimeout(timer))
  }

  async function take(kind: HookKind, { headers, ip, body }: FastifyRequest): Promise<void> {
    const delivery = { headers, body: body instanceof Uint8Array ? body : Buffer.alloc(0) }
    const vouched = vouchedBy(kind, delivery, await hooks.of(kind))
    if (vouched === null) throw await unsigned(ip, delivery.body.length)
    await replays.once(vouched, async () => {
      const push = pushOf(kind, delivery)
      if (push !== null) await engine.pushed(push)
    })
  }

  /** The same for none and a wrong one. */
  async function unsigned(ip: string, bytes: number): Promise<AppError> {
    await crowd.noteUnsigned(ip, bytes)
    return new AppError('hook_unsigned', 'Cannot take the announcement: it bears no signature of a secret in force')
  }

  door.register(async (raw) => {
    // A signature is one of bytes.
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    for (const kind of hookKinds)
      raw.post(
        hookPath(kind),
        {
          onRequest: (request, reply) => admit(kind, request, reply),
          schema: {
            ...described[kind],
            description: 'Proved by a signature alone. Whatever is not a push that can be fetched is taken and left.',
            tags: ['hooks'],
            security: [],
            response: { 202: valueOf(z.null()) },
          },
        },
        async (request, reply) => {
          await take(kind, request)
          return reply.code(202).send({ value: null })
        },
      )
  })
}
