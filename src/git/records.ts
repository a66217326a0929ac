import type { ByteReader } from './byte-reader.ts'

/** A record of NUL-ended fields that git prints by a format and we read back, both made from one map. */
export interface RecordFormat<Name extends string> {
  /** For `--format=tformat:…` together with `-z`, which ends the last field. */
  readonly format: string
  /** The next record; `null` at the end. */
  read(reader: ByteReader): Promise<Readonly<Record<Name, string>> | null>
}

/** Builds format and reader from field names and git's placeholders. */
export function recordFormat<Name extends string>(fields: Readonly<Record<Name, string>>): RecordFormat<Name> {
  const names = Object.keys(fields) as Name[]
  return {
    format: names.map((name) => fields[name]).join('%x00'),
    async read(reader) {
      const values: [string, string][] = []
      for (const name of names) {
        const value = await reader.until(0)
        if (value === null) return null
        values.push([name, value.toString('utf8')])
      }
      return Object.fromEntries(values) as Record<Name, string>
    },
  }
}
