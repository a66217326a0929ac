import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { finish } from '../../src/core/exec.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { du } from '../../src/sandbox/local/disk-watch.ts'
import { ownTool } from '../../src/sandbox/local/host-command.ts'
import { makeHome } from '../support/engine-home.ts'
import { imageComplaints } from '../support/fsck-images.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { hermeticGit, makeRepository, type Repository } from '../support/repository.ts'

const home = makeHome({ inodes: 20_000 })
const mark = `${home.dir}/mark`
let server: GitServer
let engine: Engine

before(async () => {
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
})
after(() => server.close())

async function repository(name: string): Promise<Repository & { url: string }> {
  return { ...(await makeRepository(`${home.dir}/${name}.git`, { bare: true })), url: server.url(name) }
}

async function inFork(repo: string, script: string): Promise<string> {
  const { running, receipt } = await engine.exec({ repo, argv: ['sh', '-c', script] })
  const { code, stdout, stderr } = await finish(running)
  assert.equal(code, 0, stderr.toString())
  await receipt
  return stdout.toString()
}

async function value<T>(name: string, input: Record<string, unknown>): Promise<T> {
  return (await engine.run(name, input)).value as T
}

test('a link that stands for .git on other file systems is no way to a hook', async () => {
  const source = await repository('folded')
  const hook = { executable: `#!/bin/sh\ntouch ${mark} /tmp/mark\n` }
  await source.commit({
    files: { A: { symlink: '.git/hooks' }, 'a/post-checkout': hook, 'a/post-index-change': hook, 'd/x': 'x\n' },
  })
  const said = await inFork(
    source.url,
    'ls .git/hooks 2>&1; ls /tmp; git status --porcelain; git checkout -q HEAD; ls /tmp',
  )
  assert.match(said, /No such file/)
  assert(!said.includes('mark'))
  assert(!existsSync(mark))
})

test('names that git itself refuses are refused, and nothing is left', async () => {
  for (const name of ['.git/hooks/x', '.GIT/config', 'git~1/config', '../x', 'a/../../x']) {
    const source = await repository(`refused-${Buffer.from(name).toString('hex')}`)
    const blob = await source.git(['hash-object', '-w', '--stdin'], { input: 'x\n' })
    // Git's own commands make no such tree, so it is written by hand, level by level.
    let [mode, id] = ['100644', blob]
    for (const part of name.split('/').toReversed()) {
      const entry = Buffer.concat([Buffer.from(`${mode} ${part}\0`), Buffer.from(id, 'hex')])
      id = await source.git(['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], { input: entry })
      mode = '40000'
    }
    await source.git(['update-ref', 'refs/heads/main', await source.git(['commit-tree', '-m', 'Evil', id])])
    await assert.rejects(engine.exec({ repo: source.url, argv: ['true'] }), { code: 'remote_invalid' }, name)
  }
  assert.deepEqual(leftovers(home), [])
})

test('neither hooks nor configuration of a served repository, nor of the machine, run or are copied', async () => {
  const source = await repository('served')
  await source.commit({ files: { a: 'a\n' } })
  for (const hook of ['post-checkout', 'post-update', 'pre-commit', 'reference-transaction', 'fsmonitor-watchman'])
    await writeFile(`${source.dir}/hooks-${hook}`, '')
  await source.git(['config', 'core.hooksPath', `${home.dir}/hooks`])
  await source.git(['config', 'core.fsmonitor', `touch ${mark}`])
  await source.git(['config', 'uploadpack.packObjectsHook', `touch ${mark}`])
  const config = await inFork(source.url, 'git config --local --list; ls .git')
  assert(!/hook|fsmonitor=touch/i.test(config), config)
  assert(!existsSync(mark))
})

test('drivers that attributes name do not run, and contents stay raw', async () => {
  const source = await repository('drivers')
  const content = 'line $Id$\nTODO\n'
  await source.commit({
    files: {
      '.gitattributes': '* filter=lfs diff=x merge=y ident\n*.crlf text eol=crlf\n',
      f: content,
      'w.crlf': 'a\nb\n',
    },
  })
  await source.commit({ files: { f: `${content}more\n` } })
  const evil = [`filter.lfs.smudge=touch ${mark}`, `diff.x.textconv=touch ${mark}`, `diff.x.command=touch ${mark}`]
  const options = evil.flatMap((setting) => ['-c', setting])
  // On unprotected git these do run.
  await hermeticGit(home.dir, ['clone', '-q', ...options, source.dir, `${home.dir}/unprotected`])
  assert(existsSync(mark))
  const read = await value<{ content: string }>('read-file', { repo: source.url, path: 'f' })
  assert.equal(read.content, `${content}more\n`)
  const diff = await value<{ files: { patch: string }[] }>('diff', { repo: source.url, from: 'main~1', to: 'main' })
  assert.match(JSON.stringify(diff), /more/)
  await value('grep', { repo: source.url, pattern: 'TODO' })
  await value('blame', { repo: source.url, path: 'f' })
  await inFork(source.url, 'cat f')
  assert.equal((await inFork(source.url, 'cat w.crlf')).replaceAll('\r', ''), 'a\nb\n')
})

test('a bomb of a million files made of a few objects is inode_limit, and the disk is as before', async () => {
  const source = await repository('bomb')
  let tree = await source.git(['hash-object', '-w', '--stdin'], { input: 'boom\n' })
  for (let depth = 0; depth < 6; depth += 1) {
    const kind = depth === 0 ? '100644 blob' : '040000 tree'
    const names = Array.from({ length: 10 }, (_, index) => `${kind} ${tree}\td${index}\n`)
    tree = await source.git(['mktree'], { input: names.join('') })
  }
  await source.git(['update-ref', 'refs/heads/main', await source.git(['commit-tree', '-m', 'Bomb', tree])])
  const before = await du(home.settings.stateDir, 'inodes', ownTool)
  await assert.rejects(engine.exec({ repo: source.url, argv: ['true'] }), { code: 'inode_limit' })
  assert.deepEqual(leftovers(home), [])
  assert.equal(await du(home.settings.stateDir, 'inodes', ownTool), before)
  const { truncated, entries } = await value<{ truncated: boolean; entries: [] }>('list-files', { repo: source.url })
  assert.deepEqual([truncated, entries.length], [true, 1000])
})

test('very long paths and deep folders are served whole and can be removed', async () => {
  const source = await repository('deep')
  const path = `${'level-of-twenty-chars/'.repeat(170)}file`
  await source.commit({ files: { [path]: 'deep\n', ['x'.repeat(255)]: 'long\n' } })
  const read = await value<{ content: string }>('read-file', { repo: source.url, path })
  assert.equal(read.content, 'deep\n')
  assert.equal((await inFork(source.url, 'git status --porcelain; git ls-files | wc -l')).trim(), '2')
  const images = (await engine.images()).filter(({ repo }) => repo === source.url)
  for (const { id } of images) await engine.drop(id)
  assert.deepEqual(leftovers(home), [])
})

test('large contents and long lines are cut where the caller says, and memory stays bounded', async () => {
  const source = await repository('large')
  await source.commit({ files: { line: 'x'.repeat(2_000_000), zeros: Buffer.alloc(12_000_000) } })
  const line = await value<{ content: string; truncated: boolean; size: number }>('read-file', {
    repo: source.url,
    path: 'line',
    maxBytes: 1000,
  })
  assert.deepEqual([line.content.length, line.truncated, line.size], [1000, true, 2_000_000])
  const zeros = await value<{ size: number; length: number }>('read-file', {
    repo: source.url,
    path: 'zeros',
    offset: 11_999_990,
  })
  assert.deepEqual([zeros.size, zeros.length], [12_000_000, 10])
  const found = await value<{ truncated: boolean }>('grep', { repo: source.url, pattern: 'xx' })
  assert.equal(found.truncated, true)
  await source.commit({ files: { line: `${'x'.repeat(2_000_000)}y` } })
  const diff = await value<object>('diff', { repo: source.url, from: 'main~1', to: 'main' })
  assert(JSON.stringify(diff).length < 5_000_000)
})

test('20 000 branches are listed by the page, and one of them is resolved without listing the others', async () => {
  const source = await repository('branchy')
  const id = await source.commit({ files: { a: 'a\n' } })
  const names = Array.from({ length: 20_000 }, (_, index) => `refs/heads/team/branch-${String(index).padStart(5, '0')}`)
  await writeFile(
    `${source.dir}/packed-refs`,
    `# pack-refs with: sorted\n${names.map((name) => `${id} ${name}\n`).join('')}`,
  )
  const page = await value<{ branches: { name: string }[]; truncated: boolean }>('branches', { repo: source.url })
  assert.deepEqual([page.branches.length, page.truncated], [1000, true])
  const all = await value<{ branches: []; truncated: boolean }>('branches', { repo: source.url, limit: 100_000 })
  assert.deepEqual([all.branches.length, all.truncated], [20_001, false])
  const { receipt } = await engine.run('log', { repo: source.url, ref: 'team/branch-12345' })
  assert.deepEqual([receipt.commit, receipt.ref], [id, 'refs/heads/team/branch-12345'])
  await assert.rejects(engine.run('log', { repo: source.url, ref: 'team/branch' }), { code: 'ref_not_found' })
})

test('control characters in names and messages reach a terminal as escapes only, and JSON as they are', async () => {
  const source = await repository('escapes')
  const author = { name: 'Evil \u001b[2J\u202e', email: 'e@example.com' }
  await source.commit({ author, message: 'Title \u001b]0;x\u0007\r\n', files: { 'a\u001b[31m': 'x\n' } })
  const { commits } = await value<{ commits: { author: { name: string } }[] }>('log', { repo: source.url })
  assert.match(commits[0]?.author.name ?? '', /\u001b\[2J\u202e/)
  const plain = await home.forkyard(['log', source.url])
  // oxlint-disable-next-line no-control-regex -- these must not come through
  assert.doesNotMatch(plain.stdout, /[\u0000-\u0009\u000b-\u001f\u007f\u202e]/)
  const files = await home.forkyard(['list-files', source.url])
  assert.equal(files.stdout.includes('\u001b'), false)
})

test('replacements that a repository holds are not believed, and names that differ in case only are two', async () => {
  const source = await repository('replaced')
  const first = await source.commit({ message: 'True', files: { README: '1\n', readme: '2\n' } })
  const fake = await source.commit({ message: 'False', branch: 'fake', parents: [] })
  await source.git(['update-ref', `refs/replace/${first}`, fake])
  const { commits } = await value<{ commits: { subject: string }[] }>('log', { repo: source.url })
  assert.deepEqual(
    commits.map(({ subject }) => subject),
    ['True'],
  )
  const { entries } = await value<{ entries: { path: string }[] }>('list-files', { repo: source.url })
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['README', 'readme'],
  )
  assert.equal(await inFork(source.url, 'cat README readme; git log --format=%s'), '1\n2\nTrue\n')
})

test('flaws of old tools are let in, real damage is not', async () => {
  const source = await repository('old')
  const id = await source.commit({ files: { a: 'a\n' } })
  const text = (await source.git(['cat-file', 'commit', id])).replaceAll('+0000', '+051800')
  const old = await source.git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], { input: `${text}\n` })
  await source.git(['update-ref', 'refs/heads/main', old])
  for (const repo of [source.url, source.dir]) {
    assert.equal((await engine.run('log', { repo })).receipt.commit, old)
    assert.equal((await engine.run('status', { repo })).receipt.commit, old)
  }
  const broken = text.replace(/^author.*$/m, 'author nobody')
  const bad = await source.git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], {
    input: `${broken}\n`,
  })
  await source.git(['update-ref', 'refs/heads/main', bad])
  for (const repo of [source.url, source.dir])
    await assert.rejects(engine.run('log', { repo }), { code: 'remote_invalid' }, repo)
})

test('after all this the images are sound and nothing else is left', async () => {
  const complaints = await imageComplaints(home)
  // What is tolerated on the way in is still told by a strict fsck.
  assert.deepEqual(
    complaints.filter((line) => !/badTimezone/.test(line)),
    [],
  )
  assert.deepEqual(leftovers(home), [])
  assert.equal(await readFile(mark, 'utf8').catch(() => ''), '')
})
