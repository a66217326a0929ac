import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { findOperation } from '../../src/git/registry.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'
import { gitAt, runOperation } from '../support/operation-run.ts'
import { reads } from '../support/reads.ts'
import { hermeticGit } from '../support/repository.ts'
import { makeRichRepository } from '../support/rich-repository.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  const ground = makeGround(
    async ({ dir }) => {
      const source = await makeRichRepository(dir, { bare: true, objectFormat })
      await source.tag('v1', { at: source.first, message: 'The first' })
      await source.tag('light', { at: source.second })
    },
    { objectFormat },
  )

  test(`every read in a workspace of one generation answers as on a full clone (${objectFormat})`, async () => {
    const clone = `${ground.home.dir}/clone`
    await hermeticGit(ground.home.dir, ['clone', '--quiet', ground.source.dir, clone])
    const workspace = await ground.open()
    for (const ref of ['topic', 'v1', 'light']) await workspace.run('fetch', { ref })
    await workspace.run('branch-create', { name: 'topic', revision: 'origin/topic' })
    for (const [name, input] of reads) {
      const expected = await runOperation(findOperation(name), clone, input, {
        git: gitAt(clone),
        resolveIn: ground.source.dir,
      })
      assert.deepEqual((await workspace.run(name, input)).value, expected, `${name} ${JSON.stringify(input)}`)
    }
    await workspace.close()
  })

  after(() => assert.deepEqual(leftovers(ground.home), []))
}
