import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { limit, oid } from '../fields.ts'
import { matchesGlob } from '../glob.ts'
import { defineOperation } from '../operation.ts'

const prefix = 'refs/tags/'

export const tags = defineOperation({
  name: 'tags',
  summary: 'List tags and the objects they lead to.',
  effect: 'read',
  input: z.strictObject({
    pattern: z.string().min(1).max(255).default('*').meta({ description: 'Name with * and ? as wildcards.' }),
    limit: limit(1000, 100_000),
  }),
  output: z.strictObject({
    tags: z.array(
      z.strictObject({
        name: z.string(),
        ref: z.string(),
        oid: oid.meta({ description: 'The tag object, or the target itself where the tag is lightweight.' }),
        target: oid.meta({ description: 'What the tag leads to, as a rule a commit.' }),
        isAnnotated: z.boolean(),
      }),
    ),
    truncated: z.boolean(),
  }),
  example: { limit: 10 },
  isPure: false,
  needs: () => ({ history: 0, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(_git, { pattern, limit }, context) {
    const refs = await context.refs(prefix)
    const found = refs
      .filter(({ name }) => name.startsWith(prefix) && matchesGlob(pattern, name.slice(prefix.length)))
      .map(({ name, oid, peeled }) => ({
        name: name.slice(prefix.length),
        ref: name,
        oid,
        target: peeled,
        isAnnotated: oid !== peeled,
      }))
    return { tags: found.slice(0, limit), truncated: found.length > limit }
  },
  plain: ({ tags }) => tags.map(({ name }) => `${escapeLine(name)}\n`).join(''),
})
