import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import type { Workspace } from '../../src/engine/contract.ts'
import { operations } from '../../src/git/registry.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { openRepository } from '../support/repository.ts'

const ground = makeGround(async (source) => {
  await source.commit({
    files: { 'README.md': '# Ground\n\nTODO: write\n', '.gitattributes': '* filter=evil diff=evil merge=evil\n' },
  })
  await source.commit({ files: { 'README.md': '# Ground\n\nTODO: write more\n', 'src/a.txt': 'a\n' } })
  await source.tag('v1')
})
/** What every trap makes: on the host a file of the test, in a sandbox a path that is not there. */
const mark = `${ground.home.dir}/mark`
after(() => assert.deepEqual(leftovers(ground.home), []))

/** Settings with which git runs a program of its choice when it reads, writes or compares. */
const traps = (program: string): readonly (readonly [string, string])[] => [
  ['core.fsmonitor', program],
  ['core.hooksPath', '/workspace/.hooks'],
  ['core.pager', program],
  ['core.editor', program],
  ['core.sshCommand', program],
  ['core.askPass', program],
  ['core.alternateRefsCommand', program],
  ['sequence.editor', program],
  ['credential.helper', `!${program}`],
  ['gpg.program', program],
  ['commit.gpgSign', 'true'],
  ['tag.gpgSign', 'true'],
  ['filter.evil.clean', program],
  ['filter.evil.smudge', program],
  ['filter.evil.required', 'true'],
  ['diff.evil.command', program],
  ['diff.evil.textconv', program],
  ['diff.external', program],
  ['merge.evil.driver', program],
  ['trailer.evil.command', program],
  ['alias.status', `!${program}`],
  ['hook.evil.command', program],
  ['hook.evil.event', 'pre-commit'],
]

/** Sets every trap below a repository's own root, in its configuration, hooks and attributes. */
const trapScript = (root: string): string => `cd ${root}
  printf '#!/bin/sh\\ntouch ${mark} ${root}/.sprung; cat\\n' >.trap; chmod +x .trap; mkdir -p .hooks .git/hooks .git/info
  for hook in pre-commit post-checkout post-index-change reference-transaction post-rewrite pre-rebase commit-msg; do
    cp .trap .hooks/$hook; cp .trap .git/hooks/$hook
  done
  printf '* filter=evil diff=evil merge=evil\\n' >.git/info/attributes
  ${traps(`${root}/.trap`)
    .map(([name, value]) => `git config --local '${name}' '${value.replaceAll('/workspace', root)}'`)
    .join('\n')}`

/** Everything that sandboxes of this home share, as one digest: names, owners, modes, times and contents. */
function sharedState(): string {
  const script = `cd "$1" && { find . -printf '%p %y %m %U %G %n %i %T@ %C@\\n' | sort; find . -type f -exec sha256sum {} + | sort; } | sha256sum`
  const root = join(ground.home.settings.stateDir, 'layers')
  return execFileSync('sh', ['-c', script, 'sh', root]).toString()
}

/** The operation's example as docs/operations.md has it, with what has to be done before. */
async function runExample(workspace: Workspace, { name, example, exampleAfter = [] }: (typeof operations)[number]) {
  for (const { operation, input } of exampleAfter) await workspace.run(operation, input)
  return workspace.run(name, example)
}

/** A failure that callers can tell apart, and that is no defect of ours. */
function expectCode(error: unknown, what: string): void {
  if (!(error instanceof AppError) || error.code === 'internal') throw new Error(what, { cause: error })
}

test('unprotected, reading such a working copy runs its programs', async () => {
  const dir = `${ground.home.dir}/unprotected`
  await ground.source.git(['clone', '--quiet', `file://${ground.source.dir}`, dir])
  execFileSync('sh', ['-c', trapScript(dir)])
  await openRepository(dir).git(['diff', 'HEAD~1'], { okExitCodes: [0, 128] })
  assert(existsSync(mark))
  execFileSync('rm', [mark])
})

for (const operation of operations)
  test(`${operation.name} in a working copy full of traps answers or has a code, and nothing runs outside`, async () => {
    const workspace = await ground.open()
    await shell(workspace, trapScript('/workspace'))
    const before = sharedState()
    const { value } = await runExample(workspace, operation).catch((error: unknown) => {
      expectCode(error, operation.name)
      return { value: null }
    })
    if (value !== null) operation.output.parse(value)
    assert(!existsSync(mark))
    assert.equal(sharedState(), before)
    await workspace.close()
  })

test('a fork of a poisoned workspace is poisoned inside only, and the next workspace knows nothing of it', async () => {
  const workspace = await ground.open()
  await shell(workspace, trapScript('/workspace'))
  const [fork] = await workspace.fork()
  assert.match(await shell(fork as Workspace, 'cat .git/config'), /evil/)
  const clean = await ground.open()
  assert.doesNotMatch(await shell(clean, 'cat .git/config; ls -a'), /evil|trap/)
  for (const each of [workspace, fork as Workspace, clean]) await each.close()
  assert(!existsSync(mark))
})

test('a worktree that the configuration moves elsewhere is still one of the sandbox', async () => {
  const canary = join(ground.home.dir, 'canary')
  await writeFile(canary, 'alive\n')
  for (const place of ['/tmp/elsewhere', '/', '/proc/1/root', ground.home.dir]) {
    const workspace = await ground.open()
    await shell(workspace, `mkdir -p /tmp/elsewhere; git config core.worktree ${place}`)
    for (const [name, input] of [
      ['reset', { mode: 'hard' }],
      ['clean', { dryRun: false, ignored: 'also' }],
      ['write-file', { path: 'README.md', content: 'mine\n' }],
    ] as const)
      await workspace.run(name, input).catch((error: unknown) => expectCode(error, `${name} in ${place}`))
    await workspace.close()
    assert.equal(await readFile(canary, 'utf8'), 'alive\n')
    assert.deepEqual(readdirSync(ground.home.dir).includes('README.md'), false)
  }
})

const ofEveryKind = new Set(['status', 'log', 'commit', 'merge', 'push'])

test('a working copy without git, or with a ruin of it, has codes for everything and can be closed', async () => {
  for (const ruin of [
    'rm -rf .git',
    'rm -rf /workspace/* /workspace/.[!.]*',
    'mv .git /tmp/git; ln -s /tmp/git .git',
    'rm -rf .git; echo gitdir: /proc/1/root >.git',
    'for f in HEAD index config packed-refs; do head -c 500 /dev/urandom >.git/$f; done',
    'rm -rf .git/objects; mkdir .git/objects',
    'touch .git/HEAD.lock .git/packed-refs.lock .git/config.lock .git/refs/heads/main.lock',
    'chmod -R 0 .git',
  ]) {
    const workspace = await ground.open()
    await shell(workspace, `${ruin} || true`)
    for (const operation of operations.filter(({ name }) => ofEveryKind.has(name)))
      await runExample(workspace, operation).catch((error: unknown) =>
        expectCode(error, `${operation.name} after ${ruin}`),
      )
    const forks = await workspace.fork().catch((error: unknown) => {
      expectCode(error, `fork after ${ruin}`)
      return []
    })
    for (const each of [workspace, ...forks]) await each.close()
    assert.deepEqual(leftovers(ground.home), [], ruin)
  }
})

test('two workspaces share no place, no process and no network with one another', async () => {
  const [mine, yours] = [await ground.open(), await ground.open()]
  const { running, receipt } = await mine.exec({
    argv: [
      'sh',
      '-c',
      'for d in /tmp /dev/shm /home /workspace; do echo planted >$d/planted; done; echo up; sleep 100',
    ],
  })
  await running.stdout[Symbol.asyncIterator]().next()
  const found = await shell(
    yours,
    'find / -xdev -name planted 2>/dev/null; ls -A /tmp; ls -A /dev/shm; cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep "sleep 10[0]" || true',
  )
  assert.equal(found, '')
  await Promise.all([mine.close(), yours.close()])
  await assert.rejects(receipt, { code: 'workspace_not_found' })
})

test('workspaces that come and go leave no descriptor, whatever was done in them', async () => {
  const day = async () => {
    const workspace = await ground.open()
    await workspace.run('write-file', { path: 'new.txt', content: 'new\n' })
    await shell(workspace, 'cat new.txt; setsid sleep 100 >/dev/null 2>&1 &')
    const late = await workspace.exec({ argv: ['sleep', '100'], deadlineMs: 20 })
    await assert.rejects(late.receipt, { code: 'deadline_exceeded' })
    const [fork] = await workspace.fork()
    await fork?.run('status')
    await Promise.all([workspace.close(), fork?.close()])
  }
  await day()
  const before = readdirSync('/proc/self/fd').length
  for (let round = 0; round < 10; round += 1) await day()
  assert(readdirSync('/proc/self/fd').length <= before + 2)
})
