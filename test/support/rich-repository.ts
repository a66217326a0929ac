import { makeBuilt, type Repository } from './repository.ts'

/** A name that is not UTF-8 and holds a newline, a quote and a tab. */
export const oddBytes = Buffer.from([0xff, 0x0a, 0x22, 0x09, 0x2d])

/** Names that trip parsers: all of them are valid in git. */
export const oddNames: readonly string[] = [
  '-rf',
  '--',
  'a\nb',
  'tab\there',
  'quote"d',
  'back\\slash',
  ':(top)x',
  '*',
  'é',
  ' sp ace ',
  '[x]',
]

export const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 12345\n`

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('')

interface RichHistory {
  readonly first: string
  readonly second: string
  readonly topic: string
  readonly merged: string
  readonly last: string
}

export type RichRepository = Repository & RichHistory

/** A small history with everything an operation can meet: odd names, modes, links, a submodule, LFS, CRLF, renames, copies, a merge. */
export async function makeRichRepository(
  dir: string,
  options: { objectFormat?: 'sha1' | 'sha256'; bare?: boolean } = {},
): Promise<RichRepository> {
  const { repository, value } = await makeBuilt(dir, options, commitAll)
  return { ...repository, ...value }
}

async function commitAll(repository: Repository): Promise<RichHistory> {
  const first = await repository.commit({
    message: 'Begin\n\nA body\nof two lines\n',
    files: [
      ['README.md', '# Title\n\nTODO: write\n'],
      ['src/long.txt', lines(0, 40)],
      ['src/copied.txt', lines(100, 140)],
      ['src/same.txt', 'moved as it is\n'],
      ['tool', 'echo hi\n'],
      ['link', { symlink: '/etc/passwd' }],
      ['turns', { symlink: 'README.md' }],
      ['data.bin', Buffer.from([0, 1, 2, 3])],
      ['crlf.txt', 'one\r\ntwo\r\n'],
      ['big.psd', lfsPointer],
      ['gone.txt', 'soon gone\n'],
      [oddBytes, 'odd\n'],
      ...oddNames.map((name) => [name, `named ${name}\n`] as const),
    ],
  })
  const second = await repository.commit({
    message: 'Move and change',
    author: { name: 'Zoë Ünïcode', email: 'zoe@example.com' },
    date: '2024-03-04T05:06:07+02:00',
    files: [
      ['lib/long.txt', `${lines(0, 39)}changed\n`],
      ['lib/copy.txt', `${lines(100, 140)}more\n`],
      ['src/copied.txt', `${lines(100, 139)}touched\n`],
      ['lib/same.txt', 'moved as it is\n'],
      ['tool', { executable: 'echo hi\n' }],
      ['turns', 'a file now\n'],
      ['data.bin', Buffer.from([0, 1, 2, 4, 5])],
      ['crlf.txt', 'one\r\ntwo changed\r\n'],
      ['module', { submodule: first }],
      ['README.md', '# Title  \n\nTODO: write\n'],
      [oddBytes, 'odd and changed\n'],
      ['a\nb', 'changed\n'],
    ],
    delete: ['src/long.txt', 'src/same.txt', 'gone.txt'],
  })
  const topic = await repository.commit({
    branch: 'topic',
    parents: [first],
    message: 'Topic',
    files: { 'topic.txt': 'topic\n' },
  })
  const merged = await repository.merge('topic', { message: 'Merge the topic' })
  const last = await repository.commit({ message: 'Nothing changed' })
  return { first, second, topic, merged, last }
}
