import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'

const home = makeHome()
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const [block = ''] = [...readme.matchAll(/```bash\n(.*?)```/gs)].map(([, text]) => text)

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

  const script = block
    .replaceAll('http://127.0.0.1:7070', url)
    .replaceAll('https://example.com/team/project', server.url('project'))
  assert.notEqual(script, block)
  const env = { PATH: process.env['PATH'], GIT_USER: 'robot', GIT_TOKEN: 'of-the-day' }
  const { stdout } = await promisify(execFile)('/bin/bash', ['-e', '-c', script], { env })
  assert.doesNotMatch(stdout, /"code"/)
  assert.match(stdout, /"10 NOTES\.md\\n"/)
  assert.equal(await source.git(['show', 'notes:NOTES.md']), 'Found it.')
  assert.equal(await source.git(['log', '-1', '--format=%s', 'notes']), 'Add notes')

  child.kill('SIGTERM')
  assert.equal((await end).code, 0)
  assert.deepEqual(leftovers(home), [])
})
