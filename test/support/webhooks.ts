import { createHmac, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'

/** Secrets that `writeHookSecrets` gives; none is ever part of a log. */
export const hookSecret = {
  github: 'hunter2-of-github-0123',
  token: 'hunter2-of-gitlab-0123',
  signing: `whsec_${Buffer.from('hunter2-signs-for-gitlab').toString('base64')}`,
}

export function writeHookSecrets(
  path: string,
  secrets: object = { github: [hookSecret.github], gitlab: [hookSecret.token, hookSecret.signing] },
): void {
  writeFileSync(path, JSON.stringify(secrets))
}

/** What GitHub sends with a body. */
export function githubHeaders(body: string, { event = 'push', secret = hookSecret.github } = {}) {
  return {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
}

/** What GitLab sends where a webhook has a secret token. */
export function gitlabHeaders(id: string = randomUUID(), token = hookSecret.token) {
  return {
    'content-type': 'application/json',
    'x-gitlab-event': 'Push Hook',
    'x-gitlab-event-uuid': id,
    'x-gitlab-token': token,
  }
}

/** What GitLab sends where a webhook has a signing token. */
export function signedHeaders(
  body: string,
  {
    at = Date.now(),
    id = randomUUID(),
    key = hookSecret.signing,
  }: { readonly at?: number; readonly id?: string; readonly key?: string } = {},
) {
  const seconds = Math.floor(at / 1000)
  const hmac = createHmac('sha256', Buffer.from(key.replace('whsec_', ''), 'base64'))
  return {
    'content-type': 'application/json',
    'x-gitlab-event': 'Push Hook',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${hmac.update(`${id}.${seconds}.${body}`).digest('base64')}`,
  }
}

/** A push as each tells of it, with more than is read. */
export function githubPush(repo: string, more: object = {}): string {
  const after = 'ab'.repeat(20)
  const repository = { id: 1, clone_url: `${repo}.git`, private: true }
  return JSON.stringify({ ref: 'refs/heads/main', before: '0'.repeat(40), after, deleted: false, repository, ...more })
}

export function gitlabPush(repo: string, more: object = {}): string {
  const after = 'ab'.repeat(20)
  const project = { id: 1, git_http_url: `${repo}.git` }
  return JSON.stringify({ object_kind: 'push', event_name: 'push', ref: 'refs/heads/main', after, project, ...more })
}
