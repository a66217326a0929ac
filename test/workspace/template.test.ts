import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { templateGitconfig } from '../../src/workspace/template.ts'

function asGitReads(key: string): string {
  return execFileSync('git', ['config', '--file', '-', '--get', key], { input: templateGitconfig }).toString().trimEnd()
}

test('git reads the template configuration as it is meant', () => {
  assert.equal(asGitReads('user.email'), 'forkyard@localhost')
  assert.equal(asGitReads('safe.directory'), '*')
  assert.equal(asGitReads('protocol.allow'), 'never')
  assert.equal(asGitReads('protocol.file.allow'), 'user')
  assert.equal(asGitReads('core.fsmonitor'), '/etc/forkyard/fsmonitor')
  assert.equal(asGitReads('credential.helper'), '')
})

test('every setting of the template configuration says why, but for the pieces of advice', () => {
  const lines = templateGitconfig.trimEnd().split('\n')
  const unexplained = lines.filter((line, at) => line.startsWith('[') && !lines[at - 1]?.startsWith('# '))
  assert.deepEqual([...new Set(unexplained)], ['[advice]'])
})
