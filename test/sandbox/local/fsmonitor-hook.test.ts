import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { openOverlayForks } from '../../support/overlay-forks.ts'
import type { OverlayForks } from '../../support/overlay-forks.ts'
import { comparedWork } from '../../support/random-work.ts'

describe('the fsmonitor hook', () => {
  let forks: OverlayForks

  before(async () => {
    forks = await openOverlayForks()
    await forks.fork([])
    await output(`git init -q .; mkdir -p d/s e; for path in a d/a d/s/a d/s/b e/a; do echo 0 > $path; done
      git add -A; git commit -qm one; git checkout -q --detach; FORKYARD_NEXT_TOKEN=one git status`)
    await forks.freeze('one')
    await output('echo 1 > a; git commit -qam two; FORKYARD_NEXT_TOKEN=two git status')
    await forks.freeze('two')
  })

  after(() => forks.close())
  beforeEach(() => forks.fork(['two', 'one']))

  async function output(script: string): Promise<string> {
    const { code, stdout, stderr } = await forks.run(`set -e\n${script}`)
    assert.equal(code, 0, stderr)
    return stdout.toString('latin1')
  }

  async function answer(since: string, script = ':'): Promise<readonly string[]> {
    const [token, ...paths] = (await output(`{ ${script}\n} >&2; /etc/forkyard/fsmonitor 2 ${since}`)).split('\0')
    assert.equal(paths.pop(), '')
    return [token as string, ...new Set(paths.filter((path) => !/(^|\/)\?$/.test(path)).toSorted())]
  }

  async function assertEqualStatus(...lines: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await forks.run(comparedWork(lines))
    assert.equal(code, 0, `${stdout.toString()}${stderr}`)
  }

  test('names nothing in a new fork, and git reads no directory and looks at no file', async () => {
    assert.deepEqual(await answer('two'), ['two'])
    const trace = await output('GIT_OPTIONAL_LOCKS=0 GIT_TRACE2_PERF=/tmp/trace git status; cat /tmp/trace')
    assert.match(trace, /sum_lstat:0/)
    assert.match(trace, /opendir:0/)
    assert.doesNotMatch(trace, /(sum_lstat|opendir):[1-9]/)
  })

  test('names what was changed, added, linked and removed, and no more', async () => {
    const work = 'echo 2 > a; echo 2 > d/new; ln -s a link; rm d/s/a; mkdir -p x/y; echo 2 > x/y/z; rm -r e'
    assert.deepEqual(await answer('two', work), ['two', 'a', 'd/new', 'd/s/a', 'e', 'link', 'x/y/z'])
  })

  test('names a directory that was made anew, for what it hides', async () => {
    assert.deepEqual(await answer('two', 'rm -r d/s; mkdir d/s; echo 0 > d/s/a'), ['two', 'd/s', 'd/s/a'])
    await assertEqualStatus('rm -r e; mkdir e', 'rm -r d/s; mkdir d/s', 'rm -r a; mkdir a; echo 2 > a/a')
  })

  test('names the layers above the image that the index is valid for', async () => {
    const [token, ...paths] = await answer('one', 'echo 2 > d/a')
    assert.deepEqual(paths, ['a', 'd/a'])
    assert.equal(token, 'one')
  })

  test('names bytes that are not UTF-8, and newlines, as they are', async () => {
    const work = `echo 2 > "$(printf 'd/\\\\377\\\\nx')"`.replaceAll('\\\\', '\\')
    assert.deepEqual(await answer('two', work), ['two', 'd/\xff\nx'])
  })

  for (const forged of ['three', '', '1704067200', 'on', 'two\n', '../two', '/']) {
    test(`answers that anything may have changed to the token ${JSON.stringify(forged)}`, async () => {
      assert.deepEqual(await answer(`'${forged}'`, 'echo 2 > a'), ['two', '/'])
    })
  }

  test('a forged token in the index costs time, not truth', async () => {
    await assertEqualStatus(
      'FORKYARD_NEXT_TOKEN=three git status',
      'echo 2 > a',
      'FORKYARD_NEXT_TOKEN=one git status',
      'echo 2 > d/new; git add d/new; FORKYARD_NEXT_TOKEN=two git status',
      'rm d/new',
    )
  })

  test('names a staged file that is gone without a trace', async () => {
    const work = 'echo 2 > d/new; git add d/new; git status; rm d/new'
    assert.deepEqual(await answer('two', work), ['two', 'd/new'])
    await forks.fork(['two', 'one'])
    await assertEqualStatus('echo 2 > d/new; git add d/new; git status', 'rm d/new')
  })

  test('an untracked file that is gone without a trace is not reported for ever', async () => {
    await assertEqualStatus(
      'echo 2 > d/new; git status',
      'rm d/new; git status',
      'mkdir d/n; echo > d/n/n; git status',
      'rm -r d/n',
    )
  })

  test('an untracked file with a name that git would never track is seen', async () => {
    await assertEqualStatus(
      "echo 2 > 'e/git~1'; git status",
      "rm 'e/git~1'",
      'git init -q e; git status',
      'rm -rf e/.git',
    )
  })

  test('another index, another repository and another git directory get no answer from the image', async () => {
    const elsewhere = `mkdir -p /tmp/o e/o; git init -q /tmp/o; git init -q e/o`
    assert.match(await output(`${elsewhere}; cd e/o; /etc/forkyard/fsmonitor 2 two`), /^elsewhere\0\/\0$/)
    assert.match(await output(`cd /tmp; /etc/forkyard/fsmonitor 2 two`), /^elsewhere\0\/\0$/)
    assert.match(await output('GIT_DIR=/tmp/o/.git /etc/forkyard/fsmonitor 2 two'), /^elsewhere\0\/\0$/)
    const work = 'export GIT_INDEX_FILE=/tmp/i; git read-tree HEAD; echo 2 > new; git add new; rm new'
    assert.deepEqual(await answer('two', work), ['two', 'new'])
  })

  test('where it cannot be sure of the image, any change of the index means that anything may have changed', async () => {
    await forks.fork([])
    await output('git init -q .; echo 0 > a; git add a; git commit -qm one; FORKYARD_NEXT_TOKEN=branch git status')
    await forks.freeze('branch')
    assert.deepEqual(await answer('branch', 'echo 1 > a'), ['branch', 'a'])
    assert.deepEqual(await answer('branch', 'git add a'), ['branch', '/'])
    await forks.fork(['two', 'one'])
    await output('git sparse-checkout set --cone d; FORKYARD_NEXT_TOKEN=cone git status')
    await forks.freeze('cone')
    assert.deepEqual(await answer('cone'), ['cone'])
    assert.deepEqual(await answer('cone', 'echo 1 > a; git add --sparse a'), ['cone', '/'])
    assert.deepEqual(await answer('blank', 'mkdir locked; echo > locked/a; chmod 0 locked'), ['cone', '/'])
    assert.deepEqual(await answer('cone', 'chmod 700 locked'), ['cone', '/'])
  })

  test('a blank sandbox has no image to compare with', async () => {
    await forks.fork([])
    await output('git init -q .; echo 0 > a; git add a; git status')
    assert.deepEqual(await answer('blank'), ['blank', '/'])
    await assertEqualStatus('echo 1 > b; git add b; git status', 'rm b', 'git commit -qm one; git status', 'rm a')
  })

  test('after edits that no git has seen, a fork with a copy of them reports as git does without the hook', async () => {
    await output('echo 2 > a; echo 2 > d/new; rm -r d/s; mkdir d/s; echo 2 > d/s/new; rm e/a; chmod +x d/a')
    await forks.copyUpper()
    await assertEqualStatus(':', 'git status', 'rm d/new')
    assert.match(
      await output('git status --porcelain'),
      / M a\n M d\/a\n D d\/s\/a\n D d\/s\/b\n D e\/a\n\?\? d\/s\/new\n/,
    )
  })
})
