import { printable } from './printable.ts'

/** What a server and its hooks said for people to read, as lines that are safe to show. */
export interface Said {
  add(text: string): void
  lines(): readonly string[]
}

const maxLines = 50
const maxLength = 16_384

/** Gathers what comes in pieces; of much text its end is kept, where the reasons are. */
export function gatherSaid(): Said {
  let text = ''
  return {
    add(piece) {
      text = (text + piece).slice(-maxLength)
    },
    lines: () =>
      text
        .split('\n')
        .map(asOnScreen)
        .filter((line) => line !== '')
        .slice(-maxLines),
  }
}

/** A line as a terminal would leave it, without its colours. */
function asOnScreen(line: string): string {
  // oxlint-disable-next-line no-control-regex -- this is what must go
  const plain = line.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').replaceAll('\t', ' ')
  // A carriage return goes back to the start: what was written last is what would be seen.
  return printable(plain.trimEnd().replace(/^.*\r/s, ''))
}
