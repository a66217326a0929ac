import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { checkPush } from '../../../src/git/remote/push-options.ts'
import { pushOptions } from '../../support/push-target.ts'

const oid = '1'.repeat(40)

test('only full names of refs are pushed to', () => {
  for (const ref of ['refs/heads/a', 'refs/tags/v1', 'refs/for/main%topic=x', 'refs/heads/\u{1f42b}'])
    checkPush(pushOptions({ ref, oid }))
  for (const ref of [
    'HEAD',
    'main',
    '',
    'refs/',
    'refs/heads/',
    'refs/heads/a..b',
    'refs/heads/a b',
    'refs/heads/a\0 report-status',
    'refs/heads/a\n0000',
    'refs/heads/a.lock',
    '-refs/heads/a',
    `refs/heads/${'a'.repeat(1024)}`,
  ]) {
    assert.throws(
      () => checkPush(pushOptions({ ref, oid })),
      (error) => hasCode(error, 'ref_invalid'),
      ref,
    )
  }
})

test('only full ids are pushed and expected, and nothing is ever deleted', () => {
  checkPush(pushOptions({ oid, expected: { oid: null } }))
  checkPush(pushOptions({ oid: 'a'.repeat(64), expected: { oid: 'b'.repeat(64) } }))
  for (const id of ['', '1234', 'main', '0'.repeat(40), '0'.repeat(64), 'A'.repeat(40), `${oid} `, `${oid}\n`]) {
    const isDefect = (error: unknown) => hasCode(error, 'internal')
    assert.throws(() => checkPush(pushOptions({ oid: id })), isDefect, id)
    assert.throws(() => checkPush(pushOptions({ oid, expected: { oid: id } })), isDefect, id)
  }
})
