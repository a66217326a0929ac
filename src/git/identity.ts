import { z } from 'zod'

// Git drops white space and these at both ends of a name, and refuses one of which nothing is left.
const text = z
  .string()
  .max(500)
  .refine((value) => value.isWellFormed() && !/[\p{Cc}<>]/u.test(value), 'it holds control characters, "<" or ">"')
  .refine((value) => /[^\s.,:;"'\\]/.test(value), 'it is empty')

/** Who wrote or made a commit, and when. */
export const identity = z
  .strictObject({
    name: text,
    email: text,
    date: z.iso
      .datetime({ offset: true })
      .refine((date) => Date.parse(date) >= 0, 'it lies before 1970')
      .nullable()
      .default(null)
      .meta({ description: 'ISO 8601 with an offset, which is kept; null is now.' }),
  })
  .meta({ kind: 'identity' })
export type Identity = z.output<typeof identity>

/** The flags that make git take this author, also where another one is known from the commit that is made anew. */
export function authorFlags(author: Identity | null): readonly string[] {
  if (author === null) return []
  const { name, email, date } = author
  return [`--author=${name} <${email}>`, ...(date === null ? [] : [`--date=${gitDate(date)}`])]
}

/** The environment that makes git take this committer. */
export function committerEnvironment(committer: Identity | null): Record<string, string> {
  if (committer === null) return {}
  const { name, email, date } = committer
  const when: Record<string, string> = date === null ? {} : { GIT_COMMITTER_DATE: gitDate(date) }
  return { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, ...when }
}

/** Seconds and offset: git's own form, which leaves it nothing to guess. */
function gitDate(iso: string): string {
  const offset = /([+-]\d\d):(\d\d)$/.exec(iso)
  return `@${Math.floor(Date.parse(iso) / 1000)} ${offset === null ? '+0000' : `${offset[1]}${offset[2]}`}`
}
