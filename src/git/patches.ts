import type { ByteReader } from './byte-reader.ts'
import { quoteName } from './quote.ts'
import type { RawRecord } from './raw-records.ts'

const start = Buffer.from('diff --git ')

/** What a patch says of one raw record. */
export interface RecordPatch {
  readonly record: RawRecord
  /** `null` where the record has none. */
  readonly patch: Buffer | null
  /** Whether it was not read because it ends beyond what may be read. */
  readonly isLeftOut: boolean
}

/**
 * Cuts a patch into one text per raw record, each as soon as it is there; sections that end beyond `maxBytes` are left out.
 * No name is read from the patch: each record's own first line is foretold and compared, which also finds records without a patch.
 */
export async function* eachPatch(
  reader: ByteReader,
  records: readonly RawRecord[],
  maxBytes: number,
): AsyncGenerator<RecordPatch, void> {
  let bytesLeft = maxBytes
  // Every line of a hunk starts with " ", "+", "-" or "\", so the words at the start of a line are always a header.
  async function nextSection(): Promise<Buffer | null> {
    const section = await reader.linesBefore(start, bytesLeft)
    bytesLeft -= section?.length ?? 0
    return section
  }

  let section = await nextSection()
  for (const record of records) {
    const header = Buffer.from(patchHeader(record), 'latin1')
    const sections: Buffer[] = []
    while (section?.subarray(0, header.length).equals(header) === true) {
      sections.push(section)
      section = await nextSection()
    }
    // A type change is two sections, a deletion and an addition, with the same first line.
    const isHalf = section === null && record.status === 'T' && sections.length === 1
    const isNone = sections.length === 0 || isHalf
    yield { record, patch: isNone ? null : Buffer.concat(sections), isLeftOut: section === null && isNone }
  }
}

function patchHeader({ path, oldPath }: RawRecord): string {
  return `${start.toString()}${quoteName('a/', oldPath ?? path)} ${quoteName('b/', path)}\n`
}
