import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hugePageFiles } from '../../../src/sandbox/local/huge-pages.ts'
import { commandOf, enterableFolder, openDriver, specOf } from '../../support/local-sandboxes.ts'
import { finish } from '../../../src/core/exec.ts'
import { tracesOf } from '../../support/traces.ts'

const stateDir = `${enterableFolder()}/state`
const driver = await openDriver(stateDir)
const { signal } = new AbortController()

after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

const files = Object.entries(hugePageFiles()).map(([name, { content }]) => [
  name.replace('forkyard/', '/'),
  content.toString(),
])
const mayBeHuge = files.some(([, content]) => /\[(?:madvise|always)\]/.test(content ?? ''))

test('of /sys a command sees what this host says of huge pages, and nothing else', async () => {
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  const script = 'find -L /sys -type f 2>/dev/null | sort | while read -r file; do echo "$file"; cat "$file"; done'
  const { stdout } = await finish(sandbox.exec(commandOf(['sh', '-c', script])))
  assert.equal(stdout.toString(), files.map(([name, content]) => `${name}\n${content}`).join(''))
  await sandbox.destroy()
})

test('who asks for huge pages gets them where the host has them', async () => {
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  const program = '$x = "a" x (64 << 20); open F, "/proc/self/smaps_rollup"; print grep /^AnonHuge/, <F>'
  const env = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
  const { stdout } = await finish(sandbox.exec(commandOf(['perl', '-e', program], { env })))
  const [, kibibytes] = /(\d+) kB/.exec(stdout.toString()) ?? assert.fail(stdout.toString())
  assert.equal(Number(kibibytes) > 0, mayBeHuge)
  await sandbox.destroy()
})
