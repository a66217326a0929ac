import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { treeBlobs } from '../blobs.ts'
import { exactText, plainText, toExactText } from '../bytes.ts'
import { maxBytes, oid, repoPath, revisionOrRef } from '../fields.ts'
import { findTreeEntry, parseLfsPointer, readObjectHead, wholeCharacters } from '../file-content.ts'
import { missingPath } from '../missing-path.ts'
import { defineOperation } from '../operation.ts'
import { pathBytes } from '../path.ts'
import { isSubmodule } from '../raw-records.ts'
import { resolved } from '../revision.ts'
import { kindOfMode } from '../tree-records.ts'
import type { ByteReader } from '../byte-reader.ts'

const output = z.strictObject({
  path: exactText,
  kind: z
    .enum(['file', 'executable', 'symlink', 'submodule'])
    .meta({ description: 'A symlink is answered, never followed.' }),
  mode: z.string(),
  oid: oid.meta({ description: 'Id of the content; of a submodule the commit it is at.' }),
  size: z.int().nullable().meta({ description: 'Bytes of the whole file; null for a submodule.' }),
  offset: z.int(),
  length: z.int().meta({ description: 'Bytes in this answer.' }),
  encoding: z.enum(['utf8', 'base64']),
  content: z.string().meta({ description: 'The bytes asked for; of a symlink its target.' }),
  truncated: z.boolean().meta({ description: 'Whether bytes follow after these.' }),
  lfs: z
    .strictObject({ oid: z.string(), size: z.int() })
    .nullable()
    .meta({ description: 'Set where the content is a Git LFS pointer: the SHA-256 and size of what it stands for.' }),
})
type Output = z.output<typeof output>

export const readFile = defineOperation({
  name: 'read-file',
  summary: 'Read a file of a commit.',
  effect: 'read',
  input: z.strictObject({
    path: repoPath,
    revision: revisionOrRef,
    offset: z.int().min(0).default(0).meta({ description: 'First byte to answer.' }),
    encoding: z
      .enum(['auto', 'base64'])
      .default('auto')
      .meta({ description: 'auto is utf8 where the bytes are that.' }),
    maxBytes: maxBytes(),
  }),
  output,
  example: { path: 'README.md' },
  isPure: true,
  needs: () => ({ history: 1, trees: 'tip', blobs: 'paths', worktree: 'none', refs: 'asked' }),
  blobs: (git, { path, revision }, { signal }) =>
    treeBlobs(git, { commit: resolved(revision), paths: [toExactText(pathBytes(path))], recursive: false, signal }),
  async run(git, input, { signal }) {
    const commit = resolved(input.revision)
    const path = pathBytes(input.path)
    const slash = path.lastIndexOf(0x2f)
    // Both in one process: the directory knows the mode, the object the content.
    const directory = Buffer.concat([Buffer.from(`${commit}:`), path.subarray(0, Math.max(slash, 0))])
    const file = Buffer.concat([Buffer.from(`${commit}:`), path])
    const stdin = Buffer.concat([directory, Buffer.of(0), file, Buffer.of(0)])
    const request = { flags: ['--batch', '-z'], commitsOnly: true, stdin, signal }
    const found = await git.read('cat-file', request, async (reader) => {
      const tree = await readObjectHead(reader, directory)
      const bytes = tree?.type === 'tree' ? await reader.take(tree.size) : Buffer.alloc(0)
      const entry = findTreeEntry(bytes, path.subarray(slash + 1), commit.length / 2)
      const kind = entry === null ? 'directory' : kindOfMode(entry.mode)
      if (entry === null || kind === 'directory') return null
      const about = { path: input.path, kind, mode: entry.mode, oid: entry.oid }
      if (isSubmodule(entry.mode)) return { ...about, ...noContent }
      await reader.skip(1)
      const content = await readContent(reader, { ...input, asked: file, kind })
      return content === null ? null : { ...about, ...content }
    })
    if (found !== null) return found
    throw await missingPath(git, { commit, path: toExactText(path), signal, action: 'read the file' })
  },
  plain: ({ kind, oid, encoding, content }) => {
    if (kind === 'submodule') return `submodule at ${oid}\n`
    return plainText(encoding === 'utf8' ? content : { base64: content })
  },
})

type Content = Omit<Output, 'path' | 'kind' | 'mode' | 'oid'>

const noContent: Content = {
  size: null,
  offset: 0,
  length: 0,
  encoding: 'utf8',
  content: '',
  truncated: false,
  lfs: null,
}

interface ContentQuery {
  readonly asked: Buffer
  readonly kind: Output['kind']
  readonly offset: number
  readonly maxBytes: number
  readonly encoding: 'auto' | 'base64'
}

async function readContent(reader: ByteReader, query: ContentQuery): Promise<Content | null> {
  const head = await readObjectHead(reader, query.asked)
  if (head === null) return null
  const { size } = head
  const offset = Math.min(query.offset, size)
  await reader.skip(offset)
  const bytes = await reader.take(Math.min(query.maxBytes, size - offset))
  const isCut = offset + bytes.length < size
  const text = query.encoding === 'auto' && isCut && !isUtf8(bytes) ? wholeCharacters(bytes) : bytes
  const encoding = query.encoding === 'auto' && isUtf8(text) ? 'utf8' : 'base64'
  const lfs = offset === 0 && !isCut && query.kind !== 'symlink' ? parseLfsPointer(bytes) : null
  return { size, offset, length: text.length, encoding, content: text.toString(encoding), truncated: isCut, lfs }
}
