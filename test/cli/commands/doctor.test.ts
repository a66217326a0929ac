import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from '../../support/cli.ts'

const checks = [
  { name: 'git', ok: true, detail: 'version 2.39.5', fix: '' },
  { name: 'bubblewrap', ok: false, detail: 'not found', fix: 'apt-get install bubblewrap' },
]

test('doctor says what is well, what is not and what to do, and exits with 3 where sandboxes are impossible', async () => {
  const unable = { probeHost: async () => ({ checks, able: false }) }
  assert.deepEqual(await cli(['doctor'], { doors: unable }).then(({ code, stdout }) => [code, stdout]), [
    3,
    'ok  git: version 2.39.5\nno  bubblewrap: not found\n      apt-get install bubblewrap\n\nThis host cannot run sandboxes.\n',
  ])
  const able = { probeHost: async () => ({ checks: checks.slice(0, 1), able: true }) }
  assert.deepEqual(await cli(['doctor', '--json'], { doors: able }).then(({ code, stdout }) => [code, stdout]), [
    0,
    `${JSON.stringify({ value: { checks: checks.slice(0, 1), able: true }, receipt: null })}\n`,
  ])
})
