import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { escapeLine, escapeText } from '../core/escape.ts'
import type { ByteReader } from './byte-reader.ts'
import { oid } from './fields.ts'
import { recordFormat } from './records.ts'
import type { Git } from './run-git.ts'

const person = z.strictObject({
  name: z.string(),
  email: z.string(),
  date: z.string().meta({ description: 'ISO 8601 with the offset the commit has.' }),
})

/** Fields of a commit, as `log` and `show` answer them. */
export const commitFields = {
  id: oid,
  parents: z.array(oid),
  tree: oid,
  author: person,
  committer: person,
  subject: z.string(),
  body: z.string(),
}

const commit = z.strictObject(commitFields)
export type Commit = z.output<typeof commit>

const record = recordFormat({
  id: '%H',
  parents: '%P',
  tree: '%T',
  authorName: '%an',
  authorEmail: '%ae',
  authorDate: '%aI',
  committerName: '%cn',
  committerEmail: '%ce',
  committerDate: '%cI',
  subject: '%s',
  body: '%b',
})

/** The flags that make git print commits for `readCommit`. */
export const commitFlags: readonly string[] = ['-z', `--format=tformat:${record.format}`, '--no-notes']

/** The next commit; `null` at the end. */
export async function readCommit(reader: ByteReader): Promise<Commit | null> {
  const fields = await record.read(reader)
  if (fields === null) return null
  return {
    id: fields.id,
    parents: fields.parents.split(' ').filter((id) => id !== ''),
    tree: fields.tree,
    author: { name: fields.authorName, email: fields.authorEmail, date: utcAsZ(fields.authorDate) },
    committer: { name: fields.committerName, email: fields.committerEmail, date: utcAsZ(fields.committerDate) },
    subject: fields.subject,
    body: fields.body.replace(/\n+$/, ''),
  }
}

/** The commit of that id, which is there. */
export async function lookUpCommit(git: Git, id: string, { signal }: { signal: AbortSignal }): Promise<Commit> {
  const flags = [...commitFlags, '--max-count=1', '--no-patch', '--no-show-signature']
  const commit = await git.read('log', { flags, revisions: [id], commitsOnly: true, signal }, readCommit)
  if (commit === null) throw new AppError('git_failed', 'Cannot read the output of git: there is no commit')
  return commit
}

/** A commit in full, as `git show` heads it. */
export function plainCommit(commit: Commit): string {
  const { id, author, subject, body } = commit
  const message = body === '' ? subject : `${subject}\n\n${body}`
  return [
    `commit ${id}`,
    ...(commit.parents.length > 1 ? [`Merge: ${commit.parents.map(shortOid).join(' ')}`] : []),
    `Author: ${escapeLine(`${author.name} <${author.email}>`)}`,
    `Date:   ${escapeLine(author.date)}`,
    '',
    escapeText(message).replace(/^/gm, '    '),
    '',
  ].join('\n')
}

/** An id as people read it. */
export function shortOid(id: string): string {
  return id.slice(0, 10)
}

// Older gits write +00:00, newer ones Z.
function utcAsZ(date: string): string {
  return date.replace(/\+00:00$/, 'Z')
}
