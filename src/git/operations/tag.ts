import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { escapeLine } from '../../core/escape.ts'
import { shortOid } from '../commit-record.ts'
import { oid, revisionOrRef, tagName } from '../fields.ts'
import { committerEnvironment, identity } from '../identity.ts'
import { changeRef, readRefs, type LocalRef } from '../local-refs.ts'
import { message } from '../message.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'
import type { Git } from '../run-git.ts'

const input = z.strictObject({
  name: tagName,
  revision: revisionOrRef,
  message: message.meta({ description: 'What the tag says; null makes a lightweight one, a name and nothing else.' }),
  tagger: identity
    .nullable()
    .default(null)
    .meta({ description: 'Who made the tag; null stands for the identity of the workspace.' }),
  force: z.boolean().default(false).meta({ description: 'Whether to replace a tag that exists.' }),
  delete: z.boolean().default(false).meta({ description: 'Whether to delete the tag instead.' }),
  sign: z.boolean().default(false).meta({ description: 'Always refused: there is no key in a workspace.' }),
})
type Input = z.output<typeof input>

const output = z.strictObject({
  tag: z.string(),
  oid: oid.nullable().meta({ description: 'What the tag holds: a tag object or a commit; null where it was deleted.' }),
  commit: oid.nullable().meta({ description: 'The commit it leads or led to; null where it led to something else.' }),
  previous: oid.nullable().meta({ description: 'What the tag held before; null where there was none.' }),
})

export const tag = defineOperation({
  name: 'tag',
  summary: 'Create a tag, or delete one.',
  effect: 'write',
  input,
  output,
  example: { name: 'reviewed', message: 'Looked through' },
  isPure: false,
  needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, input, { signal }) {
    const { name, force } = input
    const action = `${input.delete ? 'delete' : 'create'} the tag "${name}"`
    if (input.sign) throw new AppError('signing_unavailable', `Cannot ${action}: there is no key to sign with`)
    if (input.tagger !== null && input.message === null) {
      throw new AppError('input_invalid', `Cannot ${action}: only a tag with a message has a tagger`)
    }
    const ref = `refs/tags/${name}`
    const found = (await readRefs(git, [ref], { signal })).get(ref) ?? null
    if (input.delete) return deleteTag(git, name, { found, action, signal })
    if (found !== null && !force) {
      throw new AppError('ref_exists', `Cannot ${action}: there is one`, { details: { tag: name, oid: found.oid } })
    }
    return createTag(git, input, { found, signal })
  },
  plain: ({ tag, oid, previous }) => {
    const held = oid ?? previous
    return `${escapeLine(tag)} ${held === null ? '' : shortOid(held)}${oid === null ? ' deleted' : ''}\n`
  },
})

async function createTag(
  git: Git,
  input: Input,
  { found, signal }: { found: LocalRef | null; signal: AbortSignal },
): Promise<z.output<typeof output>> {
  const { name, message, tagger } = input
  const [ref, commit] = [`refs/tags/${name}`, resolved(input.revision)]
  const previous = found?.oid ?? null
  if (message === null) {
    await changeRef(git, { name: ref, from: previous, to: commit, reason: 'tag: Created', signal })
    return { tag: name, oid: commit, commit, previous }
  }
  const flags = ['--annotate', '--cleanup=whitespace', '--file=-', '--no-sign', ...(found === null ? [] : ['--force'])]
  const env = committerEnvironment(tagger)
  // The name stands before the commit, so both are operands here.
  await git('tag', { flags, operands: [name, commit], stdin: message, env, signal })
  const made = (await readRefs(git, [ref], { signal })).get(ref)
  if (made === undefined) throw new AppError('git_failed', 'Cannot create the tag: it is not there afterwards')
  return { tag: name, oid: made.oid, commit, previous }
}

async function deleteTag(
  git: Git,
  name: string,
  { found, action, signal }: { found: LocalRef | null; action: string; signal: AbortSignal },
): Promise<z.output<typeof output>> {
  if (found === null) throw new AppError('ref_not_found', `Cannot ${action}: there is none`, { details: { tag: name } })
  await changeRef(git, { name: found.name, from: found.oid, to: null, reason: 'tag: Deleted', signal })
  return { tag: name, oid: null, commit: found.commit, previous: found.oid }
}
