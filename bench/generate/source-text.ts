import type { Random } from './random.ts'

/** Lines that look like source code: words and punctuation from a small vocabulary, so they compress partly. */
export interface SourceText {
  /** Number of a random line. */
  line(random: Random): number
  /** Numbers of random lines that make up about `bytes` bytes. */
  lines(random: Random, bytes: number): number[]
  /** The text of some lines. */
  render(lines: readonly number[]): Buffer
}

const lineCount = 20_000
const averageLineBytes = 36

/** Makes the pool of lines all files of a repository are composed of. */
export function sourceText(random: Random): SourceText {
  const words = Array.from({ length: 3000 }, () => word(random))
  const pool = Array.from({ length: lineCount }, () => Buffer.from(sourceLine(random, words)))
  const at = (line: number): Buffer => pool[line] ?? Buffer.alloc(0)
  const line = (of: Random): number => of.below(lineCount)
  return {
    line,
    lines: (of, bytes) => Array.from({ length: Math.max(1, Math.round(bytes / averageLineBytes)) }, () => line(of)),
    render: (lines) => Buffer.concat(lines.map(at)),
  }
}

/** A pronounceable name. */
export function word(random: Random): string {
  const syllables = Array.from(
    { length: 1 + random.below(4) },
    () => pick(random, 'bcdfghklmnprstvwz') + pick(random, 'aeiou'),
  )
  return syllables.join('') + pick(random, 'nrstlx')
}

function sourceLine(random: Random, words: readonly string[]): string {
  const name = (): string => words[random.below(words.length)] ?? ''
  const indent = '  '.repeat(random.below(4))
  const shapes = [
    () => `const ${name()} = ${name()}(${name()}, ${random.below(1000)})`,
    () => `if (${name()}.${name()} !== ${name()}) {`,
    () => `return ${name()}.${name()}(${name()} => ${name()}.${name()})`,
    () => `// ${name()} ${name()} ${name()} ${name()} ${name()}`,
    () => `${name()}.${name()} = ${name()} + '${name()} ${name()}'`,
    () => '}',
  ]
  return `${indent}${shapes[random.below(shapes.length)]?.() ?? ''}\n`
}

function pick(random: Random, letters: string): string {
  return letters.charAt(random.below(letters.length))
}
