import { oddBytes, oddNames, lfsPointer } from './rich-repository.ts'
import type { Entry, Repository } from './repository.ts'

const lines = (word: string, edit = '') =>
  Array.from({ length: 30 }, (_, index) => `${word} ${index}\n`).join('') + edit

interface Version {
  readonly files?: ReadonlyArray<readonly [string | Uint8Array, Entry]>
  readonly delete?: readonly string[]
}

const base: Version = {
  files: [
    ['content', lines('content')],
    ['clean', lines('clean')],
    ['crlf', lines('crlf').replaceAll('\n', '\r\n')],
    ['binary', Buffer.from([0, 1, 2])],
    ['lfs', lfsPointer],
    ['link', { symlink: 'base' }],
    ['turns', 'a file\n'],
    ['mode', 'mode\n'],
    ['kept', 'kept\n'],
    ['gone', lines('gone')],
    ['away', lines('away')],
    ['one', lines('one')],
    ['two', lines('two')],
    ['dir/file', lines('dir file')],
    ['dir/other', lines('dir other')],
    ['driven', lines('driven')],
    ['.gitattributes', 'driven merge=evil diff=evil filter=evil\n'],
    ...[oddBytes, ...oddNames].map((name) => [name, 'odd\n'] as const),
  ],
}

const ours: Version = {
  files: [
    ['content', `ours\n${lines('content')}`],
    ['clean', `ours\n${lines('clean')}`],
    ['crlf', `ours\r\n${lines('crlf').replaceAll('\n', '\r\n')}`],
    ['binary', Buffer.from([0, 1, 2, 3])],
    ['lfs', lfsPointer.replace('12345', '1')],
    ['link', { symlink: 'ours' }],
    ['turns', { symlink: 'ours' }],
    ['mode', { executable: 'mode\n' }],
    ['gone', lines('gone', 'ours\n')],
    ['to-ours', lines('away', 'ours\n')],
    ['same', lines('one', 'ours\n')],
    ['added', 'added by us\n'],
    ['folder/file', lines('dir file')],
    ['folder/other', lines('dir other', 'ours\n')],
    ['driven', `ours\n${lines('driven')}`],
    ['in-the-way', 'a file\n'],
    ['module', { submodule: '1'.repeat(40) }],
    ...[oddBytes, ...oddNames].map((name) => [name, 'ours\n'] as const),
  ],
  delete: ['away', 'one', 'dir', 'kept'],
}

const theirs: Version = {
  files: [
    ['content', `theirs\n${lines('content')}`],
    ['clean', lines('clean', 'theirs\n')],
    ['crlf', lines('crlf', 'theirs\n').replaceAll('\n', '\r\n')],
    ['binary', Buffer.from([0, 1, 2, 4])],
    ['lfs', lfsPointer.replace('12345', '2')],
    ['link', { symlink: 'theirs' }],
    ['turns', 'still a file\n'],
    ['mode', 'mode changed\n'],
    ['kept', 'kept and changed\n'],
    ['to-theirs', lines('away', 'theirs\n')],
    ['same', lines('two', 'theirs\n')],
    ['added', 'added by them\n'],
    ['dir/new', 'follows the directory\n'],
    ['driven', lines('driven', 'theirs\n')],
    ['in-the-way/file', 'a file below\n'],
    ['module', { submodule: '2'.repeat(40) }],
    ...[oddBytes, ...oddNames].map((name) => [name, 'theirs\n'] as const),
  ],
  delete: ['gone', 'away', 'two'],
}

/** A history in which merging `topic` into `main` meets every kind of conflict, and much that merges by itself. */
export async function makeConflicts(repository: Repository): Promise<{ base: string; main: string; topic: string }> {
  const { git } = repository
  const isLong = (await git(['rev-parse', '--show-object-format'])) === 'sha256'
  const fit = ({ files = [], delete: gone = [] }: Version) => ({
    delete: gone,
    files: files.map(([path, entry]): readonly [string | Uint8Array, Entry] => [
      path,
      typeof entry === 'object' && 'submodule' in entry && isLong
        ? { submodule: entry.submodule.padEnd(64, entry.submodule.charAt(0)) }
        : entry,
    ]),
  })
  const first = await repository.commit(fit(base))
  const main = await repository.commit(fit(ours))
  const topic = await repository.commit({ branch: 'topic', parents: [first], ...fit(theirs) })
  return { base: first, main, topic }
}
