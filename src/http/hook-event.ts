import { z } from 'zod'
import type { PushEvent } from '../engine/announcements.ts'
import { ref } from '../git/fields.ts'
import { parseInput } from '../git/parse-input.ts'
import type { HookKind } from './hook-secrets.ts'
import type { Delivery } from './hook-signature.ts'
import { parseJson } from './json-body.ts'

const after = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'must be a full object id')
const address = z.string().max(2048)

/** What is read of a push that GitHub tells of; it has more fields. */
export const githubPush = z.object({ ref, after, repository: z.object({ clone_url: address }) })

/** What is read of a push that GitLab tells of; it has more fields. */
export const gitlabPush = z.object({
  event_name: z.enum(['push', 'tag_push']),
  ref,
  after,
  project: z.object({ git_http_url: address }),
})

const gitlabEvent = z.object({ event_name: z.string().optional() })

const readers: Readonly<Record<HookKind, (delivery: Delivery) => PushEvent | null>> = {
  github({ headers, body }) {
    if (headers['x-github-event'] !== 'push') return null
    const push = read(githubPush, parseJson(body))
    return eventOf(push, push.repository.clone_url)
  },
  gitlab({ body }) {
    const said = parseJson(body)
    const { event_name: event = '' } = read(gitlabEvent, said)
    if (!gitlabPush.shape.event_name.options.some((each) => each === event)) return null
    const push = read(gitlabPush, said)
    return eventOf(push, push.project.git_http_url)
  },
}

/** What was pushed; `null` where it is something else, or nothing that could be fetched. Throws `input_invalid` and `ref_invalid`. */
export function pushOf(kind: HookKind, delivery: Delivery): PushEvent | null {
  return readers[kind](delivery)
}

function read<Schema extends z.ZodType>(schema: Schema, said: unknown): z.output<Schema> {
  return parseInput({ name: 'webhook', input: schema }, said)
}

/** A ref that was deleted has only zeros after it. */
function eventOf(push: { readonly ref: string; readonly after: string }, repo: string): PushEvent | null {
  return /^0+$/.test(push.after) ? null : { repo, ref: push.ref }
}
