import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { Sandbox, SandboxDriver } from '../../../src/sandbox/contract.ts'
import { localDriver } from '../../../src/sandbox/local/driver.ts'
import { gitTemplate } from '../../../src/workspace/template-files.ts'
import { enterableFolder, run, settingsFor, specOf } from '../../support/local-sandboxes.ts'
import { comparedWork, work } from '../../support/random-work.ts'

const signal = new AbortController().signal
const env = { PATH: '/usr/bin:/bin', HOME: '/home', LC_ALL: 'C.UTF-8' }
let driver: SandboxDriver

before(async () => {
  const hook = await readFile(new URL('../../../src/sandbox/local/fsmonitor-hook.pl', import.meta.url), 'utf8')
  driver = await localDriver(settingsFor(`${enterableFolder()}/state`), gitTemplate({ hook, tools: 'test' }))
  const builder = await driver.create(specOf(), { signal })
  const script = `git init -q .; git commit -q --allow-empty -m start; git branch side
mkdir -p d/s e f/g/h; printf '*.o\\n' > .gitignore
for path in a b.o d/a d/b.o d/s/a d/s/b e/a f/g/h/a; do echo 0 > "$path"; done
git add -A; git commit -qm one; echo 1 > d/a; git commit -qam two; git checkout -q --detach
FORKYARD_NEXT_TOKEN=img_git git status`
  await output(builder, script)
  await driver.freeze(builder, 'img_git')
})

after(() => driver.close())

async function output(sandbox: Sandbox, script: string | Buffer): Promise<string> {
  const { code, stdout, stderr } = await run(sandbox, ['sh', '-s'], { env, stdin: once(script) })
  assert.equal(code, 0, `${stdout.toString('latin1')}${stderr.toString()}`)
  return stdout.toString('latin1')
}

async function* once(text: string | Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** Everything below the working copy but what git keeps for itself. */
const look = `find . -name .git -prune -o -printf '%y %m %n %s %T@ %l %P\\0' | LC_ALL=C sort -z | tr '\\0' '|'
find . -name .git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum; git rev-parse HEAD`

/** The same walks in every run, so that a red build means a change; FORKYARD_TEST_SEED explores others. */
const seed = Number(process.env['FORKYARD_TEST_SEED'] ?? 7)
const numRuns = Number(process.env['FORKYARD_TEST_RUNS'] ?? 12) / 4

test('a fork of a live working copy is its equal, and status by the hook is right there as without', async () => {
  await fc.assert(
    fc.asyncProperty(work, fc.array(work, { minLength: 1, maxLength: 2 }), async (lines, generations) => {
      let sandbox = await driver.create(specOf({ image: 'img_git', upper: 'memory' }), { signal })
      // Here no git looks between the changes and the fork.
      await output(
        sandbox,
        Buffer.from(lines.map((line) => `{ ${line}\n} >/dev/null 2>&1 </dev/null\n:\n`).join(''), 'latin1'),
      )
      for (const more of generations) {
        const expected = await output(sandbox, look)
        const [child] = (await driver.fork(sandbox, 1, { signal, metadata: () => ({}) })) as [Sandbox]
        assert.equal(await output(child, look), expected)
        await output(child, comparedWork([':', ...more.slice(0, 3)]))
        await sandbox.destroy()
        sandbox = child
      }
      await sandbox.destroy()
    }),
    { numRuns, seed },
  )
})
