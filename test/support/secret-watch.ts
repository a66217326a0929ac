import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A credential, and the looks that show it is nowhere it should not be. */
export interface SecretWatch {
  readonly username: string
  readonly password: string
  /** Value of an Authorization header. */
  readonly authorization: string
  hidden(text: string, where: string): void
  /** No file below a directory holds it, nor is named so. */
  notInFiles(directory: string): Promise<void>
  /** Reads arguments and environment of every process but ours until the work is over; tells how many named `program`. */
  whileAtWork(work: Promise<unknown>, program: string): Promise<number>
}

export function watchSecret(): SecretWatch {
  // Other tests that hold a secret of their own run at the same time.
  const [username, password] = ['robot', `correct-horse-${randomUUID()}`]
  const encoded = Buffer.from(`${username}:${password}`).toString('base64')
  /** Pieces that any form of it holds: as it is, in base64, and as hexadecimal digits. */
  const forms = [password, encoded.slice(4, -4), Buffer.from(password).toString('hex')]

  function hidden(text: string, where: string): void {
    for (const form of forms) assert(!text.includes(form), `${where} holds the credential`)
  }

  return {
    username,
    password,
    authorization: `Basic ${encoded}`,
    hidden,
    async notInFiles(directory) {
      for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
        hidden(entry.name, 'a file name')
        if (entry.isFile()) hidden(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name)
      }
    },
    async whileAtWork(work, program) {
      const over = new AbortController()
      let seen = 0
      void work.finally(() => over.abort()).catch(() => {})
      while (!over.signal.aborted) {
        for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
          const argv = readProc(pid, 'cmdline')
          hidden(argv, `the arguments of ${argv}`)
          hidden(readProc(pid, 'environ'), `the environment of ${argv}`)
          if (argv.includes(program)) seen += 1
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      return seen
    },
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // It ended just now.
    return ''
  }
}
