import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { playing, readmeBlocks, root } from '../support/readme.ts'
import { makeRepository } from '../support/repository.ts'

const home = makeHome()

test('README: the lines for the service run as printed, and it ends when it is told to', async (t) => {
  const source = await makeRepository(`${home.dir}/project.git`, { bare: true })
  await source.commit({ files: { 'README.md': '# Project\n' } })
  const server = await startGitServer({ root: home.dir, auth: { username: 'robot', password: 'of-the-day' } })
  t.after(() => server.close())
  const { child, end } = home.start(['serve', '--port=0'])
  t.after(() => child.kill('SIGKILL'))
  assert(child.stdout)
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const [, url] = /^forkyard serves (http:\S+)\n/.exec(said.toString()) ?? []
  assert(url !== undefined, said.toString())

  const gitAuthorization = `Basic ${Buffer.from('robot:of-the-day').toString('base64')}`
  const env = {
    PATH: process.env['PATH'],
    HOME: `${home.dir}/home`,
    GIT_USER: 'robot',
    GIT_TOKEN: 'of-the-day',
    FORKYARD_GIT_AUTHORIZATION: gitAuthorization,
  }
  const run = async (block = ''): Promise<string> => {
    const script = block
      .replaceAll('http://127.0.0.1:7070', url)
      .replaceAll('https://example.com/team/project', server.url('project'))
    assert.notEqual(script, block)
    return (await promisify(execFile)('/bin/bash', ['-e', '-c', script], { cwd: root, env })).stdout
  }
  const [curls, commands] = readmeBlocks('bash')
  const stdout = await run(curls)
  assert.doesNotMatch(stdout, /"code"/)
  assert.match(stdout, /"10 NOTES\.md\\n"/)
  assert.equal(await source.git(['show', 'notes:NOTES.md']), 'Found it.')
  assert.equal(await source.git(['log', '-1', '--format=%s', 'notes']), 'Add notes')

  assert.match(await run(commands), /^ws_\w+\ncreated NOTES\.md[^]*\?\? NOTES\.md\nws_\w+\nws_\w+\n$/)
  server.auth = null
  const { value } = JSON.parse(await run(playing(readmeBlocks('ts').at(-1) ?? ''))) as { value: { commits: unknown[] } }
  assert.equal(value.commits.length, 1)

  child.kill('SIGTERM')
  assert.equal((await end).code, 0)
  assert.deepEqual(leftovers(home), [])
})
