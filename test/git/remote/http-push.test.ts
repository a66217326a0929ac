import assert from 'node:assert/strict'
import { httpRemoteDefaults, httpRemotes } from '../../../src/git/remote/http-remote.ts'
import { allowedRepo } from '../../support/ask-refs.ts'
import { startGitServer, type BasicAuth } from '../../support/git-server.ts'
import { describePushes } from '../../support/push-cases.ts'
import { describePushedPacks } from '../../support/push-pack-cases.ts'
import type { PushTarget } from '../../support/push-target.ts'

function serverWith(auth: BasicAuth | null) {
  return async (root: string): Promise<PushTarget> => {
    const server = await startGitServer({ root, auth })
    const remotes = httpRemotes(httpRemoteDefaults)
    const basic = Buffer.from(`${auth?.username}:${auth?.password}`).toString('base64')
    const authorization = auth === null ? null : { fingerprint: 'f', header: () => `Basic ${basic}` }
    return {
      root,
      open: (name) => remotes.open(allowedRepo(server.url(name)), authorization),
      async close() {
        remotes.close()
        await server.close()
        assert(server.count('push') > 0)
      },
    }
  }
}

describePushes('a server that knows nobody', serverWith(null))
describePushes('a server that asks for a credential', serverWith({ username: 'u', password: 'p' }))
describePushedPacks('a server', serverWith(null))
