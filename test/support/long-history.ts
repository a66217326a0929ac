import type { Repository } from './repository.ts'

/** Gives an empty repository commits whose messages, and the file that each adds, have so many bytes, in lines of many words. */
export async function writeLongHistory(repository: Repository, commits: number, bytes: number): Promise<void> {
  const line = `${'many words on one line, '.repeat(20)}\n`
  const text = line.repeat(Math.ceil(bytes / line.length))
  const input = Array.from({ length: commits }, (_, index) => {
    const message = `Commit ${index}\n\n${text}`
    return [
      'commit refs/heads/main',
      `committer Grace Hopper <grace@example.com> ${1_704_067_200 + index} +0000`,
      `data ${message.length}`,
      message,
      `M 100644 inline ${index}.txt`,
      `data ${text.length}`,
      text,
      '',
    ].join('\n')
  })
  await repository.git(['fast-import', '--quiet'], { input: input.join('') })
}
