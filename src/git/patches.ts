import { quoteName } from './quote.ts'
import type { RawRecord } from './raw-records.ts'

const start = Buffer.from('diff --git ')
const boundary = Buffer.from('\ndiff --git ')

/**
 * Cuts a patch into one text per raw record; `null` where the record has none.
 * No name is read from the patch: each record's own first line is foretold and compared, which also finds records without a patch.
 */
export function splitPatch(patch: Buffer, records: readonly RawRecord[]): readonly (Buffer | null)[] {
  let at = 0
  return records.map((record) => {
    const header = Buffer.from(patchHeader(record), 'latin1')
    const from = at
    // A type change is two sections, a deletion and an addition, with the same first line.
    while (patch.subarray(at, at + header.length).equals(header)) at = sectionEnd(patch, at)
    return at > from ? patch.subarray(from, at) : null
  })
}

/** How many bytes of a patch that was cut off are whole sections. */
export function wholeSections(patch: Buffer): number {
  const last = patch.lastIndexOf(boundary)
  return last < 0 ? 0 : last + 1
}

function patchHeader({ path, oldPath }: RawRecord): string {
  return `${start.toString()}${quoteName('a/', oldPath ?? path)} ${quoteName('b/', path)}\n`
}

// Every line of a hunk starts with " ", "+", "-" or "\", so the words at the start of a line are always a header.
function sectionEnd(patch: Buffer, at: number): number {
  const next = patch.indexOf(boundary, at)
  return next < 0 ? patch.length : next + 1
}
