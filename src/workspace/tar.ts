/** A file of ours to be put into a sandbox; without content it is a directory. */
export interface TarEntry {
  readonly path: string
  readonly content: string | null
}

const BLOCK = 512

/** The entries as tar (POSIX ustar) without the closing blocks, so that another archive may follow in the same stream. */
export function tarEntries(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat(
    entries.flatMap(({ path, content }) => {
      const body = Buffer.from(content ?? '')
      const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)
      return [header(path, body.length, content === null), body, padding]
    }),
  )
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * BLOCK)

function header(path: string, size: number, isDirectory: boolean): Buffer {
  const block = Buffer.alloc(BLOCK)
  const put = (text: string, at: number): void => void block.write(text, at, 'latin1')
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  put(path, 0)
  put(octal(isDirectory ? 0o755 : 0o644, 7), 100)
  put(octal(0, 7), 108)
  put(octal(0, 7), 116)
  put(octal(size, 11), 124)
  put(octal(0, 11), 136)
  put(' '.repeat(8), 148)
  put(isDirectory ? '5' : '0', 156)
  put('ustar\u000000', 257)
  put(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  )
  return block
}
