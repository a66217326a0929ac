import assert from 'node:assert/strict'
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { toolOf } from '../../../src/sandbox/local/host-command.ts'
import { removeStray, removeTree } from '../../../src/sandbox/local/remove-tree.ts'
import { openStateDir } from '../../../src/sandbox/local/state-dir.ts'
import { enterableFolder, launcherIn, sandboxUid } from '../../support/local-sandboxes.ts'

function place() {
  const folder = enterableFolder()
  const state = openStateDir({ stateDir: `${folder}/state`, sandboxUid })
  const tool = toolOf(launcherIn(state))
  const write = async (script: string): Promise<void> => {
    const { code } = await tool(['/bin/sh', '-c', `cd "$1" && ${script}`, 'write', `${state.path}/run`])
    assert.equal(code, 0)
  }
  return { folder, state, tool, write }
}

test('a tree of 200 levels with long names goes, though no path to its end can be said at once', async () => {
  const { state, tool, write } = place()
  await write(
    'mkdir deep && cd deep && i=0 && while [ $i -lt 200 ]; do mkdir "$(printf %0200d $i)" && cd 0*; i=$((i+1)); done; touch end',
  )
  await removeTree(tool, `${state.path}/run/deep`)
  assert.deepEqual(readdirSync(`${state.path}/run`), [])
})

test('directories that their owner closed go too', async () => {
  const { state, tool, write } = place()
  await write('mkdir -p a/b/c && touch a/b/c/file && chmod 0 a/b/c && chmod 555 a/b && chmod 0 a')
  await removeTree(tool, `${state.path}/run/a`)
  assert.deepEqual(readdirSync(`${state.path}/run`), [])
})

test('no link is followed, not even to change modes, and odd names are names', async () => {
  const { folder, state, tool, write } = place()
  writeFileSync(`${folder}/witness`, 'kept', { mode: 0o400 })
  await write(`mkdir -p -- a/-rf 'a/*' 'a/x
y' && touch -- a/-rf/--help && ln -s ../../../witness a/link && ln -s / a/root && chmod 555 a/-rf`)
  symlinkSync(folder, `${state.path}/run/outside`)
  await removeTree(tool, `${state.path}/run/a`)
  await removeTree(tool, `${state.path}/run/outside`)
  await removeTree(tool, `${state.path}/run/never-was`)
  assert.deepEqual(readdirSync(`${state.path}/run`), [])
  assert.ok(existsSync(`${folder}/witness`))
})

test('what cannot be deleted is told, unless it is nobody’s', async () => {
  const { tool } = place()
  // Below a file there is nothing, and the folder of processes is nobody's to delete.
  await assert.rejects(removeTree(tool, '/proc/self/fdinfo'), { code: 'internal' })
  await removeStray(tool, '/proc/self/fdinfo')
})
