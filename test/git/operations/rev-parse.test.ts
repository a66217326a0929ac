import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { revParse } from '../../../src/git/operations/rev-parse.ts'
import { hermeticGit, makeRepository } from '../../support/repository.ts'
import { gitAt, runOperation, scratchDir } from '../../support/operation-run.ts'

test('a commit is told with its tree and parents, even where the copy ends at it', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(join(dir, 'source'), { objectFormat: 'sha256' })
  const root = await repository.commit()
  const side = await repository.commit({ branch: 'side', parents: [root] })
  // A message cannot pose as a header.
  const commit = await repository.commit({ parents: [root, side], message: `parent ${root}\n\ntree ${root}\n` })
  const tree = await repository.git(['rev-parse', 'HEAD^{tree}'])
  const expected = { commit, tree, parents: [root, side] }
  assert.deepEqual(await runOperation(revParse, repository.dir, {}), expected)
  await hermeticGit(dir, ['clone', '-q', '--bare', '--depth=1', `file://${repository.dir}`, 'shallow'])
  const shallow = join(dir, 'shallow')
  assert.equal((await hermeticGit(shallow, ['log', '-1', '--format=%P'])).toString(), '\n')
  assert.deepEqual(await runOperation(revParse, shallow, {}, { git: gitAt(shallow, { isBare: true }) }), expected)
})
