import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { playing, readmeBlocks, root } from '../support/readme.ts'

const commands = readmeBlocks('sh')
  .flatMap((block) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '')
// Another test has the service that the last of them asks.
const programs = readmeBlocks('ts').slice(0, -1)

let home: string
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'forkyard-readme-'))
  await chmod(home, 0o755)
})
after(() => rm(home, { recursive: true, force: true }))

async function run(command: string): Promise<string> {
  const env = { ...process.env, FORKYARD_STATE_DIR: join(home, 'state') }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd: root, env, maxBuffer: 1e8 })
  return stdout
}

for (const command of commands) {
  test(`README: ${command}`, async () => {
    const stdout = await run(command)
    // A clean working copy is what one of them is to show; every other says something.
    if (!command.includes('git status')) assert.match(stdout, /\w/)
  })
}

/** Runs a program of the README, and then says what it found. */
async function play(program: string): Promise<{ said: string; value: unknown; receipt: { tier: string } }> {
  const stdout = await run(playing(program))
  const [last = '', ...others] = stdout.trimEnd().split('\n').toReversed()
  return { said: others.join('\n'), ...(JSON.parse(last) as { value: unknown; receipt: { tier: string } }) }
}

test('README: the first library example runs as printed', async () => {
  const { value, receipt } = await play(programs[0] ?? '')
  assert.equal((value as { commits: unknown[] }).commits.length, 3)
  assert(['image', 'refresh', 'clone'].includes(receipt.tier))
})

test('README: the workspace example runs as printed', async () => {
  const { said, value, receipt } = await play(programs[1] ?? '')
  assert.match(said, /10 NOTES\.md/)
  assert.deepEqual(
    (value as { files: { path: string }[] }).files.map(({ path }) => path),
    ['NOTES.md'],
  )
  assert.equal(receipt.tier, 'workspace')
  assert.equal(programs.length, 2)
})

test('the README shows commands', () => {
  assert(commands.length >= 8, `only ${commands.length} commands were found`)
})
