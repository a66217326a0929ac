import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { answers, scriptedService } from './support/scripted-service.ts'

const forkyard = new URL('../bin/forkyard', import.meta.url).pathname

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const PATH = process.env['PATH'] ?? ''
  const HOME = process.env['HOME'] ?? '/'
  execFile(file, args, { env: { PATH, HOME, ...env } }, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
  })
  return await promise
}

test('the command runs through symbolic links and from any folder, and says its version alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'main-'))
  t.after(() => rmSync(folder, { recursive: true }))
  symlinkSync(forkyard, join(folder, 'first'))
  symlinkSync('first', join(folder, 'second'))
  const { code, stdout, stderr } = await run(join(folder, 'second'), ['--version'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

test('help goes to standard output, misuse to the other one with exit code 2', async () => {
  const help = await run(forkyard, ['log', '--help'])
  assert.deepEqual([help.code, help.stderr], [0, ''])
  assert.match(help.stdout, /Example:\n {2}forkyard log \. /)
  const misuse = await run(forkyard, ['log', '.', '--nothing'])
  assert.deepEqual([misuse.code, misuse.stdout], [2, ''])
  assert.match(misuse.stderr, /unknown option '--nothing'/)
})

test('a setting that is none is refused before anything is opened', async () => {
  const { code, stdout, stderr } = await run(forkyard, ['images', '--json'], { FORKYARD_STATEDIR: '/x' })
  assert.deepEqual([code, stdout], [2, ''])
  assert.equal((JSON.parse(stderr) as { code: string }).code, 'settings_invalid')
})

test('the service and the key for it come from the environment', async () => {
  const service = await scriptedService()
  service.play(answers({ value: [] }))
  const env = { FORKYARD_URL: service.url, FORKYARD_API_KEY: 'fk_of-the-day' }
  assert.deepEqual(await run(forkyard, ['list', '--json'], env), {
    code: 0,
    stdout: '{"value":[],"receipt":null}\n',
    stderr: '',
  })
  assert.equal(service.arrived[0]?.headers.authorization, 'Bearer fk_of-the-day')
})
