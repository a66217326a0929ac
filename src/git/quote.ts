const letters: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
}

/** A name as git writes it under `core.quotePath`: in quotes with C escapes where it holds anything unusual. */
export function quoteName(prefix: string, name: Buffer): string {
  const escaped = Array.from(name, escapeByte).join('')
  return escaped.length === name.length ? prefix + name.toString('latin1') : `"${prefix}${escaped}"`
}

/** The bytes behind a name that git wrote. */
export function unquoteName(text: Buffer): Buffer {
  if (text[0] !== 34 || text.at(-1) !== 34) return text
  const inside = text.subarray(1, -1).toString('latin1')
  const plain = inside.replace(/\\([0-7]{3}|.)/g, (whole, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code, 8))
    const byte = Object.entries(letters).find(([, escape]) => escape === whole)?.[0]
    return byte === undefined ? whole : String.fromCharCode(Number(byte))
  })
  return Buffer.from(plain, 'latin1')
}

function escapeByte(byte: number): string {
  const letter = letters[byte]
  if (letter !== undefined) return letter
  return byte < 0x20 || byte >= 0x7f ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)
}
