import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCorrelationId, withCorrelation } from '../../src/core/correlation.ts'
import { AppError } from '../../src/core/errors.ts'
import { finish } from '../../src/core/exec.ts'
import type { EngineCases } from './engine-cases.ts'
import { startGitServer } from './git-server.ts'

/** Questions about a repository, without a workspace. */
export function repositoryCases({ ground, engine }: EngineCases): void {
  test('an operation answers with its value and how it came to be, under the id of its caller', async () => {
    const id = newCorrelationId()
    const main = await ground.source.git(['rev-parse', 'main'])
    const { value, receipt } = await withCorrelation(id, () =>
      engine().run('log', { repo: ground.repo, limit: 1 }, { onProgress() {} }),
    )
    assert.deepEqual(
      (value as { commits: readonly { id: string }[] }).commits.map(({ id: each }) => each),
      [main],
    )
    assert.deepEqual([receipt.commit, receipt.ref, receipt.correlationId], [main, 'refs/heads/main', id])
    assert(receipt.phases.length > 0)
  })

  test('what an operation would do is told without doing it', async () => {
    const { needs, steps, cost } = await engine().explain('log', { repo: ground.repo, limit: 2 })
    assert.deepEqual([needs.trees, Array.isArray(steps), typeof cost.ms], ['none', true, 'number'])
    await assert.rejects(engine().explain('nothing', { repo: ground.repo }), { code: 'operation_unknown' })
  })

  test('an image is made ready, listed and removed', async () => {
    const { value, receipt } = await engine().warm({ repo: ground.repo, cone: ['docs'] }, { onProgress() {} })
    assert.equal(receipt.commit, value.commit)
    const image = (await engine().images()).find(({ id }) => id === value.id)
    assert.deepEqual(image?.cone, ['docs'])
    await engine().drop(value.id)
    for (const id of [value.id, '', '../img', 'a/b'])
      await assert.rejects(engine().drop(id), { code: 'image_not_found' })
  })

  test('a program runs in a throw-away fork, and nothing of it stays', async () => {
    const argv = ['sh', '-c', 'cat src/a.txt; echo no >&2; exit 3']
    const { running, receipt } = await engine().exec({ repo: ground.repo, argv })
    const { code, stdout, stderr } = await finish(running)
    assert.deepEqual([code, stdout.toString(), stderr.toString()], [3, 'a\nb\n', 'no\n'])
    assert.equal((await receipt).ref, 'refs/heads/main')
    assert.deepEqual(await engine().workspaces(), [])
  })

  test('a caller’s own credential goes to the upstream, and the refusal without it has its code', async (t) => {
    const guarded = await startGitServer({ root: ground.home.dir, auth: { username: 'robot', password: 'secret' } })
    t.after(() => guarded.close())
    const gitAuthorization = `Basic ${Buffer.from('robot:secret').toString('base64')}`
    const input = { repo: guarded.url('ground') }
    await assert.rejects(engine().run('branches', input), { code: 'auth_required' })
    const { value } = await engine().run('branches', input, { gitAuthorization })
    assert.equal((value as { branches: readonly unknown[] }).branches.length, 1)
    const broken = { gitAuthorization: 'Basic a\r\nx: y' }
    await assert.rejects(engine().run('branches', input, broken), { code: 'input_invalid' })
  })

  test('what is asked wrongly or cannot be is refused by the same code everywhere', async () => {
    const { repo } = ground
    const refusals: readonly (readonly [name: string, input: unknown, code: string])[] = [
      ['nothing', { repo }, 'operation_unknown'],
      ['../explain/log', { repo }, 'operation_unknown'],
      ['log', undefined, 'input_invalid'],
      ['log', null, 'input_invalid'],
      ['log', 'text', 'input_invalid'],
      ['log', { repo, limit: 10n }, 'input_invalid'],
      ['log', { repo, more: 1 }, 'input_invalid'],
      ['log', { repo: 'http://user:x@127.0.0.1/a' }, 'url_invalid'],
      ['log', { repo, ref: 'nowhere' }, 'ref_not_found'],
      ['log', { repo: `${repo}-not` }, 'repo_not_found'],
      ['read-file', { repo, path: '../etc/passwd' }, 'path_invalid'],
      ['commit', { repo, message: 'x' }, 'needs_workspace'],
      ['write-file', { repo, path: 'a', content: 'a' }, 'needs_workspace'],
      ['pull', { repo }, 'needs_workspace'],
      ['push', { repo, branch: 'x' }, 'needs_workspace'],
      ['push', { repo, branch: 'x', commit: 'main' }, 'needs_workspace'],
    ]
    for (const [name, input, code] of refusals)
      await assert.rejects(engine().run(name, input), { name: 'AppError', code }, `${name} ${code}`)
    await assert.rejects(engine().exec({ repo, argv: [] }), { code: 'input_invalid' })
    await assert.rejects(engine().warm({ repo, depth: 1 }), { code: 'input_invalid' })
    for (const bad of [{ history: 0 }, { history: 'deep' }, { cone: ['../x'] }, { ttlMs: 1 }, { depth: 1 }])
      await assert.rejects(engine().open({ repo, ...bad }), { code: 'input_invalid' }, JSON.stringify(bad))
  })

  test('an error says what it says wherever it is caught', async () => {
    const error = await engine()
      .run('read-file', { repo: ground.repo, path: 'nowhere' })
      .catch((thrown: unknown) => thrown)
    assert(error instanceof AppError)
    assert.deepEqual([error.code, error.details['path']], ['path_not_found', 'nowhere'])
    assert.match(error.message, /^Cannot /)
  })

  test('who has given up is not served, and is told why', async () => {
    const input = { repo: ground.repo }
    await assert.rejects(engine().run('log', input, { signal: AbortSignal.abort() }), { code: 'canceled' })
    const reason = new AppError('deadline_exceeded', 'Cannot wait: lunch')
    await assert.rejects(engine().open(input, { signal: AbortSignal.abort(reason) }), reason)
    assert.deepEqual(await engine().workspaces(), [])
  })
}
