import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer } from '../support/git-server.ts'
import { makeRepository } from '../support/repository.ts'
import { runService } from '../support/running-service.ts'

const home = makeHome()
const service = runService(home)
const basic = (text: string) => ({ 'git-authorization': `Basic ${Buffer.from(text).toString('base64')}` })

test('who is refused learns nothing of images: the same answer, after the same questions to the remote', async (t) => {
  const server = await startGitServer({ root: home.dir, auth: { username: 'owner', password: 'of-the-day' } })
  t.after(() => server.close())
  for (const name of ['used', 'unused']) {
    const source = await makeRepository(`${home.dir}/${name}.git`, { bare: true })
    await source.commit({ files: { 'README.md': '# Private\n' } })
  }
  const warmed = await service.post('/v1/images', { repo: server.url('used') }, basic('owner:of-the-day'))
  assert.equal(warmed.status, 201)

  server.forgetRequests()

  const paths = ['/v1/operations/log', '/v1/operations/status', '/v1/workspaces', '/v1/images', '/v1/explain/log']
  for (const path of paths) {
    for (const stranger of [{}, basic('stranger:guess')]) {
      const told = []
      for (const name of ['used', 'unused']) {
        const response = await fetch(service.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...stranger },
          body: JSON.stringify({ repo: server.url(name) }),
        })
        told.push([response.status, await response.text()])
      }
      assert([401, 403].includes(Number(told[0]?.[0])), path)
      assert.deepEqual(told[0], told[1], path)
    }
  }
  const askedOf = (name: string) =>
    server.requests
      .filter(({ path }) => path.startsWith(`/${name}/`))
      .map(({ method, command, hasAuthorization }) => `${method} ${command} ${hasAuthorization}`)
  assert.deepEqual(new Set(askedOf('used')), new Set(askedOf('unused')))
})
