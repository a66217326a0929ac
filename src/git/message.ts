import { z } from 'zod'

/** The line from which on git drops what a prepared message says. */
export const scissors = '------------------------ >8 ------------------------'

/** What a commit or tag says, taken as it is but for white space around it; `null` where it is left out. */
export const message = z
  .string()
  // Some gits take a message only as an argument, and an argument has 128 KiB.
  .max(30_000)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'it holds NUL or is not well-formed Unicode')
  .refine((text) => text.trim() !== '', 'it is empty')
  .refine((text) => !text.includes(scissors), 'it holds the line at which git cuts a message off')
  .nullable()
  .default(null)
