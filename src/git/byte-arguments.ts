import { isUtf8 } from 'node:buffer'

// Decodes each octal argument, "." standing guard against the newlines that $() strips, and becomes the program.
const decodeAndExec =
  'n=$#; while [ "$n" -gt 0 ]; do a=$(printf "%b." "$1"); shift; set -- "$@" "${a%.}"; n=$((n-1)); done; exec "$@"'

/** An argv of strings for arguments of any bytes: Node can only pass UTF-8, so others travel in octal through a fixed script. */
export function stringArgv(argv: readonly (string | Buffer)[]): readonly string[] {
  const strings = argv.map((argument) =>
    typeof argument === 'string' || isUtf8(argument) ? argument.toString() : null,
  )
  if (strings.every((argument) => argument !== null)) return strings
  return ['sh', '-c', decodeAndExec, 'sh', ...argv.map((argument) => toOctal(Buffer.from(argument)))]
}

function toOctal(bytes: Buffer): string {
  return Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')
}
