import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const commands = [...readme.matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '')
const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, block = '']) => block)

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

test('README: the library example runs as printed', async () => {
  assert.equal(programs.length, 1)
  const source = programs[0]?.replace("'forkyard'", JSON.stringify(`file://${root}src/index.ts`)) ?? ''
  const shown = `${source}\nconsole.log(JSON.stringify({ value, receipt }))`
  const stdout = await run(`exec ${process.execPath} --input-type=module -e '${shown.replaceAll("'", `'\\''`)}'`)
  const { value, receipt } = JSON.parse(stdout) as { value: { commits: unknown[] }; receipt: { tier: string } }
  assert.equal(value.commits.length, 3)
  assert(['image', 'refresh', 'clone'].includes(receipt.tier))
})

test('the README shows commands and one program', () => {
  assert(commands.length >= 8, `only ${commands.length} commands were found`)
})
