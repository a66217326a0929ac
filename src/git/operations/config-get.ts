import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { exactText, plainLine, toExactText } from '../bytes.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'

const scopes = ['system', 'local', 'worktree'] as const

const value = z.strictObject({
  value: exactText.meta({ description: 'Empty also where the key stands without a value, which means true.' }),
  scope: z
    .enum(scopes)
    .meta({ description: 'system is the same in every workspace, the others are of this repository.' }),
})

export const configGet = defineOperation({
  name: 'config-get',
  summary: 'Read the values of a configuration key.',
  effect: 'read',
  input: z.strictObject({
    key: z
      .string()
      .max(1000)
      // Section, perhaps a subsection of nearly any characters, and name.
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]*\.(?:[^\n\0]*\.)?[A-Za-z][A-Za-z0-9-]*$/)
      .refine((text) => text.isWellFormed(), 'it is not well-formed Unicode')
      .meta({ description: 'Section, subsection and name, as in remote.origin.url.' }),
  }),
  output: z.strictObject({
    values: z.array(value).meta({ description: 'The last one is in force; empty where the key is not set.' }),
  }),
  example: { key: 'user.name' },
  isPure: false,
  // Configuration needs no object, but a working copy to lie in.
  needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, { key }, { signal }) {
    const flags = ['--show-scope', '-z', '--get-all']
    // Exit code 1 means that the key is not set.
    const values = await git.read('config', { flags, operands: [key], okExitCodes: [0, 1], signal }, async (reader) => {
      const found: z.output<typeof value>[] = []
      const keep = keeping('values')
      for (let name = await reader.until(0); name !== null; name = await reader.until(0)) {
        const bytes = await reader.until(0)
        if (bytes === null) throw new AppError('git_failed', 'Cannot read the output of git: it ends in mid-record')
        const scope = scopes.find((one) => one === name?.toString())
        // What forkyard sets for a single command is nobody else's concern.
        keep(bytes.length)
        if (scope !== undefined) found.push({ value: toExactText(bytes), scope })
      }
      return found
    })
    return { values }
  },
  plain: ({ values }) => values.map(({ value }) => `${plainLine(value)}\n`).join(''),
})
