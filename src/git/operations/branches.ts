import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { shortOid } from '../commit-record.ts'
import { limit, oid } from '../fields.ts'
import { matchesGlob } from '../glob.ts'
import { defineOperation } from '../operation.ts'

const prefix = 'refs/heads/'

export const branches = defineOperation({
  name: 'branches',
  summary: 'List branches and the commits they are at.',
  effect: 'read',
  input: z.strictObject({
    pattern: z.string().min(1).max(255).default('*').meta({ description: 'Name with * and ? as wildcards.' }),
    limit: limit(1000, 100_000),
  }),
  output: z.strictObject({
    branches: z.array(z.strictObject({ name: z.string(), ref: z.string(), commit: oid, isDefault: z.boolean() })),
    truncated: z.boolean(),
  }),
  example: { limit: 10 },
  isPure: false,
  needs: () => ({ history: 0, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(_git, { pattern, limit }, context) {
    const [refs, heads] = await Promise.all([context.refs(prefix), context.refs('HEAD')])
    const standard = heads.find(({ name }) => name === 'HEAD')?.symref
    const found = refs
      .filter(({ name }) => name.startsWith(prefix) && matchesGlob(pattern, name.slice(prefix.length)))
      .map(({ name, oid }) => ({
        name: name.slice(prefix.length),
        ref: name,
        commit: oid,
        isDefault: name === standard,
      }))
    return { branches: found.slice(0, limit), truncated: found.length > limit }
  },
  plain: ({ branches }) =>
    branches
      .map(({ name, commit, isDefault }) => `${isDefault ? '*' : ' '} ${escapeLine(name)} ${shortOid(commit)}\n`)
      .join(''),
})
