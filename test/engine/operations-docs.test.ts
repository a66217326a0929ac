import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { runInThisContext } from 'node:vm'
import type { Answer, Workspace } from '../../src/engine/contract.ts'
import { operations } from '../../src/git/registry.ts'
import { operationsDocs } from '../../tools/operations-docs.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'

const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n\nTODO: write\n' } })
  await source.commit({ files: { 'README.md': '# Ground\n\nTODO: write more\n', 'src/a.txt': 'a\n' } })
  await source.tag('v1')
})

let shared: Promise<Workspace> | null = null
after(() => assert.deepEqual(leftovers(ground.home), []))

/** Runs an example as it is printed; what its last line answers is what it shows. */
async function runExample(name: string, workspace: Workspace): Promise<Answer<unknown>> {
  const code = new RegExp(`\n## ${name}\n[^]*?\n\`\`\`ts\n([^]*?)\n\`\`\`\n`).exec(docs)?.[1]
  assert(code !== undefined, `${name} has no example`)
  const lines = code.replace(/^(?=.*$(?![^]))/m, 'return ')
  const run = runInThisContext(`async (workspace) => {\n${lines}\n}`) as (one: Workspace) => Promise<Answer<unknown>>
  return run(workspace)
}

test('docs/operations.md is what the declarations say', () => {
  assert.equal(docs, operationsDocs())
})

for (const operation of operations) {
  const { name, effect, example, output } = operation

  test(`the example of ${name} runs in a fresh workspace as it is printed`, async () => {
    const workspace = await (effect === 'read' ? (shared ??= ground.open()) : ground.open())
    const { value } = await runExample(name, workspace)
    assert.equal(typeof operation.plain(output.parse(value)), 'string')
    if (effect !== 'read') await workspace.close()
  })

  test(`${name} runs on a repository, or says that it does not, as the table has it`, async () => {
    const places = new RegExp(`^\\| \\[\`${name}\`\\].*?\\| ${effect} \\| (.*?) \\|`, 'm').exec(docs)?.[1]
    const request = { repo: ground.repo, ...example }
    if (places === 'repository, workspace') {
      output.parse((await ground.engine.run(name, request)).value)
      return
    }
    await assert.rejects(ground.engine.run(name, request), { code: 'needs_workspace' })
    if (places !== 'repository in part, workspace') return
    const commit = await ground.source.git(['rev-parse', 'main'])
    output.parse((await ground.engine.run(name, { ...request, commit })).value)
  })
}
