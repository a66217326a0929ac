/** Text fit for a terminal or a log: control and bidirectional characters become visible escapes; newline and tab stay. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : visible(character),
  )
}

/** The same for what must stay on one line, such as a path or a name. */
export function escapeLine(text: string): string {
  return text.replace(unsafe, visible)
}

// C0 and C1 controls, DEL, line and paragraph separators, and every character that turns or hides the direction of text.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

function visible(character: string): string {
  const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
  if (short !== undefined) return short
  const code = character.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
}
