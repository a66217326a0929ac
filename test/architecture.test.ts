import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { catalog } from '../src/core/errors.ts'
import { ranks, violations, type Tree } from './support/architecture-rules.ts'

const root = new URL('../', import.meta.url).pathname
const read = (path: string): string => readFileSync(root + path, 'utf8')
const own = ['test/architecture.test.ts', 'test/support/architecture-rules.ts']

function realTree(): Map<string, string> {
  const paths = globSync(['{src,test,bench}/**/*.ts', 'tools/*.ts'], { cwd: root })
  return new Map(paths.map((path) => [path, read(path)]))
}

test('the sources keep the ranks, the sizes and the house rules', () => {
  const tree = realTree()
  // These two quote what they forbid.
  for (const path of own) tree.delete(path)
  assert.ok(tree.size > 10)
  assert.deepEqual(violations(tree), [])
})

test('every rule can fail: a planted bad tree is found out, line by line', () => {
  const planted: Record<string, readonly [text: string, complaint: RegExp]> = {
    'src/core/up.ts': [`import { a } from '../git/a.ts'\n`, /rank 0 may not import/],
    'src/git/aside.ts': [`import type { A } from '../sandbox/a.ts'\n`, /rank 1 may not import/],
    'src/engine/driver.ts': [`const a = await import('../sandbox/local/a.ts')\n`, /concrete driver/],
    'src/core/outside.ts': [`import { a } from '../../test/a.ts'\n`, /outside of src/],
    'src/core/gone.ts': [`import { a } from './nowhere.ts'\n`, /does not exist/],
    'src/core/self.ts': [`import { a } from './self.ts'\n`, /is a cycle/],
    'src/core/long.ts': ['const a = 1\n'.repeat(251), /251 lines/],
    'src/git/utils/a.ts': ['', /names no thing/],
    'src/core/helpers.ts': ['', /names no thing/],
    'src/nowhere/a.ts': ['', /no part of the ranks/],
    'src/core/default.ts': ['export default 1\n', /default export/],
    'src/core/enum.ts': ['export const enum A { b }\n', /has an enum/],
    'src/cli/env.ts': [`const a = process.env['HOME']\n`, /reads process.env/],
    'src/engine/print.ts': [`console.log('a')\n`, /prints/],
    'src/engine/write.ts': [`process.stderr.write('a')\n`, /prints/],
    'src/cli/spawn.ts': [`import { spawn } from 'node:child_process'\n`, /starts processes/],
    'test/only.test.ts': [`test.only('a', () => {})\n`, /leaves tests out/],
    'test/skip.test.ts': [`test('a', { skip: true }, () => {})\n`, /leaves tests out/],
  }
  const good = ['src/git/a.ts', 'src/sandbox/a.ts', 'src/sandbox/local/a.ts', 'test/a.ts']
  const files = [
    ...good.map((path) => [path, ''] as const),
    ...Object.entries(planted).map(([path, [text]]) => [path, text] as const),
  ]
  const tree: Tree = new Map(files)
  const found = violations(tree)
  for (const [path, [, complaint]] of Object.entries(planted)) {
    assert.ok(
      found.some((line) => line.startsWith(path) && complaint.test(line)),
      `nothing said about ${path}`,
    )
  }
  assert.deepEqual(
    found.filter((line) => good.some((path) => line.startsWith(path))),
    [],
  )
})

test('a cycle through several files is found, and what is only written in a comment is not', () => {
  const cycle = new Map([
    ['src/git/a.ts', `import { b } from './b.ts'\n`],
    ['src/git/b.ts', `export { c } from './c.ts'\n`],
    ['src/git/c.ts', `import { a } from './a.ts'\n`],
  ])
  assert.deepEqual(violations(cycle), ['src/git/a.ts -> src/git/b.ts -> src/git/c.ts -> src/git/a.ts: is a cycle'])
  assert.deepEqual(violations(new Map([['src/git/a.ts', `// from './b.ts', console.log(process.env)\n`]])), [])
})

test('the folders of the tests are those of the sources', () => {
  const extra = ['support', 'end-to-end', 'bench']
  const folders = globSync('test/**/*.test.ts', { cwd: root }).map((path) => path.split('/').slice(1, -1))
  const strays = folders.filter(([top, ...rest]) => {
    return top !== undefined && !extra.includes(top) && !existsSync(`${root}src/${[top, ...rest].join('/')}`)
  })
  assert.deepEqual(strays, [])
})

test('every error code is provoked by some test', () => {
  const tests = [...realTree()].filter(([path]) => path.startsWith('test/') && !own.includes(path))
  const text = tests.map(([, content]) => content).join('\n')
  const missing = Object.keys(catalog).filter((errorCode) => !text.includes(`'${errorCode}'`))
  assert.deepEqual(missing, [])
})

test('every path that the documents name exists', () => {
  const documents = [
    'ARCHITECTURE.md',
    'AGENTS.md',
    'README.md',
    'SECURITY.md',
    ...globSync('docs/*.md', { cwd: root }),
  ]
  const named = documents.flatMap((document) =>
    [
      ...read(document).matchAll(/`((?:src|test|bench|bin|tools|docs|\.ci)\/[\w./-]*|[A-Z]+\.md)`|\]\(([\w./-]+)\)/g),
    ].map(([, quoted, linked]) => ({ document, path: quoted ?? linked ?? '' })),
  )
  assert.ok(named.length > 20)
  const below = (document: string): string => (document.startsWith('docs/') ? `${root}docs/` : root)
  assert.deepEqual(
    named.filter(({ document, path }) => !existsSync(root + path) && !existsSync(below(document) + path)),
    [],
  )
})

test('ARCHITECTURE.md shows the ranks that are enforced', () => {
  const rows = ranks.map((parts, rank) => `| ${rank} | ${parts.map((part) => `\`${part}\``).join(' ')} |`)
  const text = read('ARCHITECTURE.md')
  assert.deepEqual(
    rows.filter((row) => !text.includes(row)),
    [],
  )
})
