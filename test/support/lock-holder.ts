import { diskDirectory } from '../../src/directory/disk-directory.ts'

// A process of its own: takes a lock of a directory, says so, and holds it until its stdin ends.
const [path = '', key = '', claim] = process.argv.slice(2)
const directory = await diskDirectory(path)
const { signal } = new AbortController()
await directory.exclusively(
  key,
  async () => {
    if (claim !== undefined) await directory.claim(claim)
    process.stdout.write('held\n')
    for await (const _ of process.stdin);
  },
  { signal },
)
