import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { rejection } from '../../../src/git/remote/push-rejection.ts'

const ref = 'refs/heads/main'
const old = '1'.repeat(40)
const refused = (reason: string, said: readonly string[] = []) =>
  rejection(ref, old, { report: { kind: 'refused', reason }, said })

test('the words of git and of the great hosts have the meaning they have there', () => {
  const reasons: Readonly<Record<string, string>> = {
    'non-fast-forward': 'non_fast_forward',
    'pre-receive hook declined': 'hook_declined',
    'hook declined': 'hook_declined',
    'protected branch hook declined': 'protected',
    'push declined due to repository rule violations': 'protected',
    'branch is currently checked out': 'protected',
    'deny updating a hidden ref': 'protected',
    'TF402455: Pushes to this branch are not permitted; you must use a pull request': 'protected',
    'prohibited by Gerrit: not permitted: update': 'protected',
    'missing necessary objects': 'unpack_failed',
    'unpacker error': 'unpack_failed',
    'bad pack': 'unpack_failed',
    'shallow update not allowed': 'unpack_failed',
    'funny refname': 'other',
    '': 'other',
  }
  for (const [words, reason] of Object.entries(reasons)) {
    const error = refused(words)
    assert(hasCode(error, 'push_rejected'), words)
    assert.deepEqual(error.details, { ref, reason, said: words === '' ? [] : [words] })
  }
})

test('whoever lost a race is told so, unless the name itself can never be', () => {
  for (const words of [
    'failed to update ref',
    'fetch first',
    "cannot lock ref 'refs/heads/main'",
    'incorrect old value provided',
    'reference already exists',
    'reference does not exist',
  ]) {
    const error = refused(words, ['more'])
    assert(hasCode(error, 'ref_moved'), words)
    assert.deepEqual(error.details, { ref, expected: old, said: [words, 'more'] })
  }
  const conflict = "error: cannot lock ref 'refs/heads/main': 'refs/heads' exists; cannot create 'refs/heads/main'"
  assert(hasCode(refused('failed to update ref', [conflict]), 'push_rejected'))
  assert(hasCode(refused('refname conflict'), 'push_rejected'))
})
