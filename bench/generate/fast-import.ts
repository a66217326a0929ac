import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { gitEnvironment } from '../measure/process.ts'

/** One commit of a generated history; a mark is its number, given by `commit`. */
export interface NewCommit {
  readonly branch: string
  readonly message: string
  /** Mark of the commit it follows; `null` for the first. */
  readonly parent: number | null
  readonly merged: readonly number[]
  readonly files: Iterable<readonly [path: string, content: Buffer]>
}

/** Writes commits into a repository while they are made, so that no history is ever held in memory. */
export interface Importer {
  /** Adds a commit and gives its mark; commits are ten minutes apart. */
  commit(commit: NewCommit): Promise<number>
  /** Points a branch at a commit. */
  branch(name: string, mark: number): Promise<void>
  finish(): Promise<void>
}

const firstCommitAt = 1_600_000_000

/** Starts `git fast-import` in a bare repository. */
export function startImport(gitDir: string): Importer {
  // Large binaries are stored as they are: looking for deltas in them takes minutes and finds none.
  const argv = ['-c', 'core.bigFileThreshold=1m', '--git-dir', gitDir, 'fast-import', '--quiet', '--date-format=raw']
  const child = spawn('git', argv, { env: gitEnvironment, stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = once(child, 'close')
  // The exit code tells; the broken pipe that comes with it adds nothing.
  child.stdin.on('error', () => {})
  let marks = 0

  const write = async (...parts: readonly (string | Buffer)[]): Promise<void> => {
    let hasRoom = true
    for (const part of parts) hasRoom = child.stdin.write(part)
    if (!hasRoom) await Promise.race([once(child.stdin, 'drain'), ended])
  }

  return {
    async commit({ branch, message, parent, merged, files }) {
      const mark = (marks += 1)
      const who = `Generated <generated@localhost> ${firstCommitAt + mark * 600} +0000`
      const head = `commit refs/heads/${branch}\nmark :${mark}\nauthor ${who}\ncommitter ${who}\n`
      const parents = (parent === null ? '' : `from :${parent}\n`) + merged.map((one) => `merge :${one}\n`).join('')
      await write(`${head}data ${Buffer.byteLength(message)}\n${message}\n${parents}`)
      for (const [path, content] of files) {
        await write(`M 100644 inline ${path}\ndata ${content.length}\n`, content, '\n')
      }
      await write('\n')
      return mark
    },
    branch: (name, mark) => write(`reset refs/heads/${name}\nfrom :${mark}\n\n`),
    async finish() {
      child.stdin.end('done\n')
      const [code] = (await ended) as [number | null]
      if (code !== 0) throw new Error(`Cannot generate ${gitDir}: git fast-import ended with ${code}`)
    },
  }
}
