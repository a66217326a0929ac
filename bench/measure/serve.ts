import { startGitServer } from '../../test/support/git-server.ts'

/** A git server in a process of its own, as servers are: `serve.ts <directory>` says `host:port` and ends with its stdin. */
const server = await startGitServer({ root: process.argv[2] ?? '' })
process.stdout.write(`${server.host}\n`)
process.stdin.resume().once('end', () => void server.close())
