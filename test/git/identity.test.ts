import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { commit } from '../../src/git/operations/commit.ts'
import { makeTwins, people, runInWorkspace } from '../support/workspace-run.ts'

const { author, committer } = people

test('without identities the workspace signs; each may be given alone, with any offset', async (t) => {
  const { ours } = await makeTwins(t)
  const people = async (input: object) => {
    await runInWorkspace(commit, ours.dir, { message: 'x', allowEmpty: true, ...input })
    return ours.git(['log', '-1', '--format=%an <%ae> %ad|%cn <%ce> %cd', '--date=raw'])
  }
  assert.match(await people({}), /^forkyard <forkyard@localhost> \d+ \+0000\|forkyard <forkyard@localhost> \d+ \+0000$/)
  const far = { name: 'Zoë "Z" O\'X', email: 'z+1@ex.org', date: '2024-03-04T05:06:07.9-09:30' }
  assert.match(await people({ author: far }), /^Zoë "Z" O'X <z\+1@ex.org> 1709562967 -0930\|forkyard /)
  assert.match(await people({ committer: { name: 'C', email: 'c' } }), /^forkyard .*\|C <c> \d+ \+0000$/)
  const early = { ...far, date: '1970-01-01T00:00:00+00:00' }
  const late = { ...far, date: '9999-12-31T23:59:59+14:00' }
  assert.match(await people({ author: early, committer: late }), /> 0 \+0000\|.*> 253402250399 \+1400$/)
})

test('identities that git would twist or refuse are refused', async (t) => {
  const { ours } = await makeTwins(t)
  for (const bad of ['', ' ', 'a\nb', 'a\0', 'a<b', 'a>', '...', '"\'', 'x\u007f', '\ud800', 'x'.repeat(501)]) {
    for (const input of [{ author: { ...author, name: bad } }, { committer: { ...committer, email: bad } }]) {
      await assert.rejects(
        runInWorkspace(commit, ours.dir, { message: 'x', allowEmpty: true, ...input }),
        (error) => hasCode(error, 'input_invalid'),
        JSON.stringify(input),
      )
    }
  }
  for (const date of [
    'now',
    '2024-01-01',
    '2024-01-01T00:00:00',
    '1969-12-31T23:59:59Z',
    '2024-13-01T00:00:00Z',
    '@1 +0000',
  ]) {
    const attempt = runInWorkspace(commit, ours.dir, { message: 'x', author: { ...author, date } })
    await assert.rejects(attempt, (error) => hasCode(error, 'input_invalid'), date)
  }
})
