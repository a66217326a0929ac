import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { exactBytes, exactText, plainLine } from '../bytes.ts'
import { repoPath } from '../fields.ts'
import { defineOperation } from '../operation.ts'

const maxContentBytes = 67_108_864

export const writeFile = defineOperation({
  name: 'write-file',
  summary: 'Write a whole file of the worktree, and the directories above it that are missing.',
  effect: 'write',
  input: z.strictObject({
    path: repoPath.refine((path) => exactBytes(path).at(-1) !== 0x2f, {
      message: 'it names a directory',
      params: { code: 'path_invalid' },
    }),
    content: z
      .string()
      .refine((text) => text.isWellFormed(), 'it is not well-formed Unicode')
      .nullable()
      .default(null)
      .meta({ description: 'The whole content as text; either this or contentBase64.' }),
    contentBase64: z.base64().nullable().default(null).meta({ description: 'The whole content, any bytes.' }),
    executable: z
      .boolean()
      .nullable()
      .default(null)
      .meta({ description: 'null keeps the mode of a file that exists; a new one is not executable.' }),
  }),
  output: z.strictObject({ path: exactText, bytes: z.int(), existed: z.boolean() }),
  example: { path: 'notes.txt', content: 'Read me first\n' },
  isPure: false,
  needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'cone', refs: 'asked' }),
  async run(_git, { path, content, contentBase64, executable }, { files, signal }) {
    const bytes = contentOf(content, contentBase64)
    const { existed } = await files.write(path, bytes, { isExecutable: executable, signal })
    return { path, bytes: bytes.length, existed }
  },
  plain: ({ path, bytes, existed }) => `${existed ? 'replaced' : 'created'} ${plainLine(path)}, ${bytes} bytes\n`,
})

function contentOf(content: string | null, contentBase64: string | null): Buffer {
  if ((content === null) === (contentBase64 === null)) {
    throw new AppError('input_invalid', 'Cannot run write-file: give either content or contentBase64')
  }
  const bytes = content === null ? Buffer.from(contentBase64 ?? '', 'base64') : Buffer.from(content)
  if (bytes.length > maxContentBytes) {
    throw new AppError('input_invalid', `Cannot run write-file: the content is longer than ${maxContentBytes} bytes`)
  }
  return bytes
}
