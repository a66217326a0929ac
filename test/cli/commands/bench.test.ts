import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { benchmarksIn } from '../../../src/cli/benchmarks.ts'
import { cli } from '../../support/cli.ts'

test('bench lists the files of its folder and runs the chosen one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'fork.ts'), `export const run = ({ print }) => print('measured\\n')\n`)
  await writeFile(join(folder, 'exec.ts'), '')
  const doors = { benchmarks: async () => benchmarksIn(pathToFileURL(`${folder}/`)) }
  assert.equal((await cli(['bench'], { doors })).stdout, 'exec\nfork\n')
  assert.equal((await cli(['bench', 'fork'], { doors })).stdout, 'measured\n')
})

test('where no benchmarks are shipped the list is empty', () => {
  assert.deepEqual(benchmarksIn(new URL('file:///nowhere/bench/')), [])
})
