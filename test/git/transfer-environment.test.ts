import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { transferEnvironment } from '../../src/git/transfer-environment.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { scratchDir } from '../support/operation-run.ts'
import { hermeticEnv, hermeticGit, makeRepository, type Repository } from '../support/repository.ts'

const cleaning: (() => Promise<void>)[] = []
let root: string
let source: Repository
let server: GitServer

before(async () => {
  root = await scratchDir({ after: (clean) => void cleaning.push(clean as () => Promise<void>) })
  source = await makeRepository(`${root}/repo.git`, { bare: true })
  await source.commit({ files: { a: 'a\n', '.gitattributes': '* filter=evil\n' } })
  server = await startGitServer({ root })
})
after(async () => {
  await server.close()
  for (const clean of cleaning) await clean()
})

// On the host the template's place is taken by nothing at all.
const builderEnv = { ...transferEnvironment({ correlationId: 'test' }), PATH: '/usr/bin:/bin' }

/** What git in a builder's environment says, an error's words included. */
function said(
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = builderEnv,
): Promise<string> {
  return hermeticGit(dir, args, { env }).then(
    () => 'done',
    (error: unknown) => String(error),
  )
}

test('no transport at all is spoken', async () => {
  const target = await makeRepository(`${root}/quiet`)
  for (const url of [
    server.url('repo'),
    'https://example.com/a',
    `ext::sh -c "touch ${root}/mark"`,
    'fd::3',
    source.dir,
    `file://${source.dir}`,
    'git://127.0.0.1/a',
    'ssh://127.0.0.1/a',
  ])
    assert.match(await said(target.dir, ['fetch', url, 'main']), /not allowed/, url)
  assert(!existsSync(`${root}/mark`))
  assert.equal(server.requests.length, 0)
})

test('nothing that a repository configures is run by what a builder does, though plain git runs it', async () => {
  const target = await makeRepository(`${root}/configured`)
  await target.commit({ files: { a: 'a\n' } })
  const ran = `${root}/ran`
  await writeFile(`${root}/post-index-change`, `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 })
  const settings = {
    'core.hooksPath': root,
    'core.fsmonitor': `touch ${ran};false`,
    'core.sshCommand': `touch ${ran}`,
    'core.alternateRefsCommand': `touch ${ran}`,
    'gpg.program': `${root}/post-index-change`,
  }
  for (const [name, value] of Object.entries(settings)) await target.git(['config', name, value])
  const work = [
    ['read-tree', '--reset', '-u', 'HEAD'],
    ['status', '--porcelain'],
    ['rev-list', '--objects', 'HEAD'],
    ['fsck', '--full'],
  ]
  for (const args of work) assert.equal(await said(target.dir, args), 'done', args[0])
  assert(!existsSync(ran))
  for (const args of work) await said(target.dir, args, hermeticEnv)
  assert(existsSync(ran))
  await rm(ran)
})
