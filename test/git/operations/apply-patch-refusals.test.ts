import assert from 'node:assert/strict'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { AppError, hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { applyPatch } from '../../../src/git/operations/apply-patch.ts'
import { filesOf, makeTwins, runInWorkspace, stateOf } from '../../support/workspace-run.ts'

const add = (path: string, mode = '100644', line = '+x') =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n${line}\n`
const hunk = (path: string, body: string) => `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n${body}`

test('hostile patches reach nothing outside of the worktree and nothing of git', async (t) => {
  const { ours } = await makeTwins(t)
  await symlink('lib', join(ours.dir, 'inside'))
  await symlink(join(ours.dir, '..'), join(ours.dir, 'outside'))
  const link =
    'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+..\n\\ No newline at end of file\n'
  const before = await stateOf(ours)
  const names = async () =>
    Object.keys(await filesOf(join(ours.dir, '..'))).filter((name) => !name.endsWith('test-gitconfig'))
  const around = await names()
  const refused: readonly (readonly [ErrorCode, string])[] = [
    ['patch_rejected', add('../x')],
    ['patch_rejected', add('lib/../../x')],
    ['patch_rejected', add('.git/hooks/post-commit', '100755')],
    ['patch_rejected', add('lib/.git/config')],
    ['patch_rejected', add('.GIT/x')],
    ['patch_rejected', add('git~1/x')],
    ['patch_rejected', 'diff --git a/tool b/tool\nrename from tool\nrename to ../tool\n'],
    ['patch_rejected', 'diff --git a/tool b/.git/tool\ncopy from tool\ncopy to .git/tool\n'],
    ['patch_rejected', 'diff --git a/.git/config b/x\nrename from .git/config\nrename to x\n'],
    ['patch_rejected', add('.gitmodules', '120000')],
    ['patch_rejected', `${add('fine')}${add('../x')}`],
    ['patch_rejected', hunk('', '@@ -1 +1 @@\n-x\n+y\n')],
    ['path_blocked', add('inside/x')],
    ['path_blocked', add('outside/x')],
    ['path_blocked', `${add('fine')}${add('outside/*')}`],
    ['path_blocked', `${link}${add('l/x')}`],
  ]
  for (const [code, patch] of refused) {
    await ours.git(['apply', '--check'], { input: patch, okExitCodes: [1, 128] })
    for (const input of [{}, { index: true }, { threeWay: true }]) {
      const attempt = runInWorkspace(applyPatch, ours.dir, { patch, ...input })
      await assert.rejects(attempt, (error) => hasCode(error, code), patch)
    }
  }
  assert.deepEqual(await stateOf(ours), before)
  assert.deepEqual(await names(), around)
  // An absolute name loses its first part and lies inside.
  await runInWorkspace(applyPatch, ours.dir, { patch: '--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+x\n' })
  assert.equal((await filesOf(ours.dir))['etc/x'], '100644 x\n')
})

test('a refusal says which files and lines do not fit', async (t) => {
  const { ours } = await makeTwins(t)
  const details = async (patch: string, input: object = {}): Promise<unknown[]> => {
    const error = await runInWorkspace(applyPatch, ours.dir, { patch, ...input }).then(
      () => assert.fail('it was applied'),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof AppError && hasCode(error, 'patch_rejected'))
    return [error.details['problems'], error.details['patchLine']]
  }
  const two = hunk('README.md', '@@ -7 +7 @@\n-nope\n+x\n') + hunk('nowhere', '@@ -1 +1 @@\n-a\n+b\n') + add('tool')
  assert.deepEqual(await details(two), [
    [
      { path: 'README.md', line: 7 },
      { path: 'nowhere', line: null },
      { path: 'tool', line: null },
    ],
    null,
  ])
  assert.deepEqual(await details(add('inside/../x')), [[{ path: 'inside/../x', line: null }], null])
  assert.deepEqual(await details(hunk('README.md', '@@ -1,3 +1,3 @@\n-a\n')), [[], 6])
  assert.deepEqual(await details('no patch at all\n'), [[], null])
  assert.deepEqual(await details(''), [[], null])
  assert.deepEqual(await details('diff --git a/tool b/tool\nindex 1234567..89abcde 100644\nBinary files differ\n'), [
    [{ path: 'tool', line: null }],
    null,
  ])
  await writeFile(join(ours.dir, 'README.md'), 'dirty\n')
  const fits = hunk('README.md', '@@ -1 +1 @@\n-dirty\n+clean\n')
  assert.deepEqual(await details(fits, { index: true }), [[{ path: 'README.md', line: null }], null])
})

test('what is in the way, and who holds the index, is told apart from a bad patch', async (t) => {
  const { ours } = await makeTwins(t)
  const expect = async (code: ErrorCode, input: { patch: string; index?: boolean }) => {
    await assert.rejects(runInWorkspace(applyPatch, ours.dir, input), (error) => hasCode(error, code), input.patch)
  }
  await expect('path_blocked', { patch: add('lib') })
  await expect('path_blocked', { patch: add('tool/x') })
  await expect('input_invalid', { patch: '\ud800' })
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await expect('workspace_busy', { patch: add('x'), index: true })
  await rm(join(ours.dir, '.git/index.lock'))
  await writeFile(join(ours.dir, '.git/index'), 'no index')
  await expect('git_failed', { patch: add('x'), index: true })
})

test('white space counts, whatever the repository says', async (t) => {
  const { ours } = await makeTwins(t)
  await ours.git(['config', 'apply.whitespace', 'error'])
  await ours.git(['config', 'apply.ignoreWhitespace', 'change'])
  const patch = hunk('crlf.txt', '@@ -1,2 +1,2 @@\n one\r\n-two changed\r\n+two  \r\n')
  await runInWorkspace(applyPatch, ours.dir, { patch })
  assert.equal((await filesOf(ours.dir))['crlf.txt'], '100644 one\r\ntwo  \r\n')
  const other = hunk('crlf.txt', '@@ -1,2 +1,2 @@\n one\n-two \n+x\n')
  await assert.rejects(runInWorkspace(applyPatch, ours.dir, { patch: other }), (error) =>
    hasCode(error, 'patch_rejected'),
  )
})
