import assert from 'node:assert/strict'
import { access, appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { configGet } from '../../../src/git/operations/config-get.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { runInWorkspace } from '../../support/workspace-run.ts'

const valuesOf = async ({ dir }: Repository, key: string) => {
  const { values } = await runInWorkspace(configGet, dir, { key })
  return values.map(({ value, scope }) => [value, scope])
}

test('all values of a key are told with where they stand, the last one in force', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  assert.deepEqual(await valuesOf(repository, 'user.name'), [['forkyard', 'system']])
  await repository.git(['config', 'user.name', 'Ada'])
  await repository.git(['config', '--add', 'user.name', 'Grace'])
  assert.deepEqual(await valuesOf(repository, 'USER.Name'), [
    ['forkyard', 'system'],
    ['Ada', 'local'],
    ['Grace', 'local'],
  ])
  await repository.git(['config', 'extensions.worktreeConfig', 'true'])
  await repository.git(['config', '--worktree', 'user.name', 'Zoë\nU'])
  assert.deepEqual((await valuesOf(repository, 'user.name')).at(-1), ['Zoë\nU', 'worktree'])
  const value = await runInWorkspace(configGet, repository.dir, { key: 'user.name' })
  assert.equal(configGet.plain(value), 'forkyard\nAda\nGrace\nZoë\\nU\n')
})

test('a key that is not set has no values; one without a value has an empty one', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  assert.deepEqual(await valuesOf(repository, 'no.such.key'), [])
  await appendFile(
    join(repository.dir, '.git/config'),
    '[x "a.b = c\\"d"]\n\tflag\n\tempty =\n[y]\n\tbytes = \xff\n',
    'latin1',
  )
  assert.deepEqual(await valuesOf(repository, 'x.a.b = c"d.flag'), [['', 'local']])
  assert.deepEqual(await valuesOf(repository, 'x.a.b = c"d.empty'), [['', 'local']])
  assert.deepEqual(await valuesOf(repository, 'y.bytes'), [[{ base64: '/w==' }, 'local']])
})

test('what forkyard sets for each command is not told', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  assert.deepEqual(await valuesOf(repository, 'core.hooksPath'), [])
  assert.deepEqual(await valuesOf(repository, 'core.quotePath'), [])
})

test('keys that are none are refused', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  for (const key of [
    '',
    'x',
    'x.',
    '.x',
    '-x.y',
    '--list',
    'x.1',
    'x.y z',
    'x\ny.z',
    'x.y\0.z',
    'x.a\nb.c',
    'é.x',
    `x.${'y'.repeat(1000)}`,
    'a.\ud800.b',
  ]) {
    await assert.rejects(valuesOf(repository, key), (error) => hasCode(error, 'input_invalid'), JSON.stringify(key))
  }
})

test('reading runs nothing, and a broken file is a failure', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  const { dir } = repository
  for (const key of [
    'core.fsmonitor',
    'core.pager',
    'pager.config',
    'alias.config',
    'core.sshCommand',
    'include.path',
  ]) {
    await repository.git(['config', key, `touch ${dir}/ran`])
  }
  assert.deepEqual(await valuesOf(repository, 'core.pager'), [
    ['cat', 'system'],
    [`touch ${dir}/ran`, 'local'],
  ])
  await assert.rejects(access(join(dir, 'ran')))
  await writeFile(join(dir, '.git/config'), '[core\n')
  await assert.rejects(valuesOf(repository, 'core.pager'), (error) => hasCode(error, 'git_failed'))
  assert.equal(configGet.needs({ key: 'a.b' }).history, 1)
})
