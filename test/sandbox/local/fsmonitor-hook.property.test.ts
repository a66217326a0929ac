import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { openOverlayForks } from '../../support/overlay-forks.ts'
import type { OverlayForks } from '../../support/overlay-forks.ts'
import { comparedWork, work } from '../../support/random-work.ts'

let forks: OverlayForks

/** As the builder of an image ends: detached, all as committed, the index valid for the image to be. */
const finish = (id: string) => `
git checkout -q --detach
test -z "$(FORKYARD_NEXT_TOKEN=${id} git status --porcelain --untracked-files=no)"`

before(async () => {
  forks = await openOverlayForks()
  await forks.fork([])
  await build(`git init -q .; git commit -q --allow-empty -m start; git branch side
mkdir -p d/s e f/g/h; printf '*.o\\n' > .gitignore
for path in a b.o d/a d/b.o d/s/a d/s/b e/a f/g/h/a "$(printf 'new\\nline')" "$(printf 'd/\\377\\376')"; do
  echo 0 > "$path"
done
git add -A; git commit -qm one; echo 1 > d/a; git commit -qam two
git checkout -q side; echo 2 > a; git add a; git commit -qm side; git checkout -q --detach main
echo untracked > e/u; echo ignored > e/i.o${finish('one')}`)
  await forks.freeze('one')
  await build(`rm -rf d; mkdir d; echo 0 > d/a; echo 3 > e/new; mv f/g g; git add -A; git commit -qm three
rm e/i.o${finish('two')}`)
  await forks.freeze('two')
  // This builder went on after its last look: the index in its layer is valid for the image below.
  await build(`mkdir -p d/s f; echo 4 > d/s/b; echo 0 > f/a; git add -A; git commit -qm four
echo 5 > a; echo 5 > d/s/b; echo 5 > f/n`)
  await forks.freeze('three')
})

after(() => forks.close())

async function build(script: string): Promise<void> {
  const { code, stdout, stderr } = await forks.run(`set -e\n${script}`)
  assert.equal(code, 0, `${stdout.toString()}${stderr}`)
}

async function compared(lines: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await forks.run(comparedWork(lines))
  assert.equal(code, 0, `${stdout.toString('latin1')}${stderr}`)
}

const stack = fc.constantFrom(['one'], ['two', 'one'], ['three', 'two', 'one'])
/** The same walks in every run, so that a red build means a change; FORKYARD_TEST_SEED explores others. */
const seed = Number(process.env['FORKYARD_TEST_SEED'] ?? 7)
const numRuns = Number(process.env['FORKYARD_TEST_RUNS'] ?? 12)

test('status by the hook equals status without it, whatever was done in a fork', async () => {
  await fc.assert(
    fc.asyncProperty(stack, work, async (layers, lines) => {
      await forks.fork(layers)
      await compared(lines)
    }),
    { numRuns, seed },
  )
})

test('it does so in forks of forks: of an image made of the work, and of the work itself', async () => {
  let images = 0
  await fc.assert(
    fc.asyncProperty(stack, work, fc.boolean(), work, async (layers, lines, freezes, more) => {
      await forks.fork(layers)
      await compared(lines.slice(0, 3))
      if (freezes) {
        images += 1
        await build(`${commitAll}${finish(`work-${images}`)}`)
        await forks.freeze(`work-${images}`)
      } else {
        await forks.copyUpper()
      }
      await compared([':', ...more.slice(0, 4)])
    }),
    { numRuns: numRuns / 4, seed },
  )
})

/** Makes of whatever state the work has left one that an image could have. */
const commitAll = `
find . -mindepth 2 -name .git -prune -exec rm -rf {} +
find . -name 'git~1' -prune -exec rm -rf {} +
git sparse-checkout disable
git add -A
git commit -qm all || :`
