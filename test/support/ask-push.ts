import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { AppError, toProblem } from '../../src/core/errors.ts'
import { httpRemoteDefaults, httpRemotes } from '../../src/git/remote/http-remote.ts'
import type { PackMaker, Pushed, PushOptions } from '../../src/git/remote/push-options.ts'
import type { HttpRepo } from '../../src/git/remote/repo-url.ts'

const secret = 'hunter2-token'
/** The header of a credential that must never be seen anywhere. */
export const pushHeader = `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`

export interface PushAsking {
  readonly packIdleMs?: number
  readonly maxRefsBytes?: number
}

/** Pushes to a repository nobody has spoken to yet, with a credential. */
export async function askPush(
  repo: HttpRepo,
  options: PushOptions,
  makePack: PackMaker,
  asking: PushAsking = {},
): Promise<Pushed> {
  const remotes = httpRemotes({ ...httpRemoteDefaults, ...asking })
  try {
    return await remotes.open(repo, { fingerprint: 'f', header: () => pushHeader }).push(options, makePack)
  } finally {
    remotes.close()
  }
}

/** The error of that push, after a look for the credential and for control characters in all that can be shown of it. */
export async function askPushFailure(...asked: Parameters<typeof askPush>): Promise<AppError> {
  const error = await askPush(...asked).then(
    () => assert.fail('it went well'),
    (thrown: unknown) => thrown,
  )
  assert(error instanceof AppError, inspect(error))
  const problem = toProblem(error)
  const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(problem) + String(error)
  for (const form of [secret, pushHeader, pushHeader.slice(6)]) assert(!shown.includes(form))
  const said = (problem.details['said'] ?? []) as readonly string[]
  for (const text of [problem.title, ...said]) {
    // oxlint-disable-next-line no-control-regex -- these must not come through
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f\u202e]/)
    assert(text.length <= 400)
  }
  return error
}
