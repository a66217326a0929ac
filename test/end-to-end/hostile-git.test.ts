import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import type { Workspace } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { cleanState } from '../support/push-target.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'a.txt': 'a\n' } })
})
after(() => assert.deepEqual(leftovers(ground.home), []))

async function subjects(workspace: Workspace): Promise<readonly string[]> {
  const { commits } = (await workspace.run('log', {})).value as { commits: readonly { subject: string }[] }
  return commits.map(({ subject }) => subject)
}

/** Makes git in a workspace take other objects for those of a commit; `$t` is the commit. */
const makeBelieve = {
  replacements: `
    blob=$(echo false | git hash-object -w --stdin)
    git replace $(git rev-parse $t:topic.txt) $blob
    tree=$(printf "100644 blob $blob\\tfalse.txt\\n" | git mktree)
    git replace $t $(git commit-tree -p main~1 -m False $tree)`,
  grafts: `
    false=$(git commit-tree -m False $(git mktree </dev/null))
    mkdir -p .git/info; echo "$t $false" >.git/info/grafts`,
}

for (const [kind, script] of Object.entries(makeBelieve))
  test(`${kind} that a workspace believes in change neither what is told of it nor what is merged and pushed`, async () => {
    const workspace = await ground.open({ history: 'full' })
    await shell(
      workspace,
      `echo more >>a.txt; git commit -qam Ours
      git checkout -qb topic main~1; echo true >topic.txt; git add topic.txt; git commit -qm True; git checkout -q main
      t=$(git rev-parse topic); ${script}`,
    )
    assert.match(await shell(workspace, 'git log --format=%s topic 2>&1'), /False/)
    await workspace.run('merge', { revision: 'topic', message: 'Both' })
    assert.deepEqual([...(await subjects(workspace))].toSorted(), ['Both', 'Commit 1', 'Ours', 'True'])
    const { value } = await workspace.run('push', { branch: kind })
    const { commit } = value as { commit: string }
    const { git } = ground.source
    assert.equal(await git(['rev-parse', kind]), commit)
    assert.equal(await git(['show', `${kind}:topic.txt`]), 'true')
    assert.equal(await git(['ls-tree', '-r', '--name-only', kind]), 'README.md\na.txt\ntopic.txt')
    assert.deepEqual((await git(['log', '--format=%s', kind])).split('\n').toSorted(), [
      'Both',
      'Commit 1',
      'Ours',
      'True',
    ])
    assert((await cleanState(ground.source)).every((ref) => ref.startsWith('refs/heads/')))
    await workspace.close()
  })

for (const words of ["'", 'error: \\n', "Unable to create '", 'fork'])
  test(`a flood of ${JSON.stringify(words)} from a filter is a failure with a code, and others are answered meanwhile`, async () => {
    const [workspace, neighbour] = [await ground.open(), await ground.open()]
    const script = `until [ -e /tmp/go ]; do sleep 0.01; done
      perl -e 'print STDERR "${words.replaceAll("'", '\\x27')}" x ${Math.ceil(250_000 / words.length)}'; exit 1`
    await shell(
      workspace,
      `cat >/tmp/filter <<'END'\n${script}\nEND
      chmod +x /tmp/filter; echo '* filter=x' >.git/info/attributes
      git config filter.x.clean /tmp/filter; git config filter.x.required true; echo new >>a.txt`,
    )
    const over = new AbortController()
    const work = workspace
      .run('add', {})
      .catch((error: unknown) => error)
      .finally(() => over.abort())
    await subjects(neighbour)
    assert.equal(over.signal.aborted, false)
    const before = process.cpuUsage()
    await shell(workspace, 'touch /tmp/go')
    do await subjects(neighbour)
    while (!over.signal.aborted)
    const error = await work
    assert(error instanceof AppError && error.code !== 'internal', String(error))
    assert(process.cpuUsage(before).user < 3_000_000)
    for (const each of [workspace, neighbour]) await each.close()
  })
