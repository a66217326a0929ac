import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeHome } from '../support/engine-home.ts'
import { imageComplaints } from '../support/fsck-images.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { seeded } from '../support/seeded.ts'

const rounds = 25
const seed = 20_240_501

const home = makeHome()
let server: GitServer
let source: Repository

before(async () => {
  source = await makeRepository(`${home.dir}/stormy.git`, { bare: true })
  const files = Array.from({ length: 60 }, (_, at) => [`d${at % 7}/f${at}`, `${at}\n`.repeat(30)] as const)
  await source.commit({ files: Object.fromEntries(files) })
  server = await startGitServer({ root: home.dir })
})
after(() => server.close())

test(`${rounds} rounds with one of several processes killed leave nothing behind and every answer right`, async () => {
  const next = seeded(seed)
  const repo = server.url('stormy')
  const commands = [
    ['log', repo, '--limit=2', '--json'],
    ['run', repo, '--json', '--', 'git', 'status', '--porcelain'],
    ['blame', repo, '--path=d1/f1', '--json'],
    ['grep', repo, '--pattern=^1$', '--json'],
    ['warm', repo, '--json'],
  ]
  let kills = 0
  for (let round = 0; round < rounds; round += 1) {
    const content = `${round}\n`.repeat(20)
    if (next() < 0.4) await source.commit({ files: { [`d${round % 7}/f${round}`]: content, 'd1/f1': content } })
    const tip = await source.git(['rev-parse', 'main'])

    const chosen = [0, 1].map(() => commands[Math.floor(next() * commands.length)] ?? [])
    const started = chosen.map((argv) => home.start(argv))
    const victim = started[Math.floor(next() * started.length)]
    await pause(next() * 450)
    victim?.child.kill('SIGKILL')
    for (const { child, end } of started) {
      const { code, signal, stdout, stderr } = await end
      if (child === victim?.child && signal === 'SIGKILL') kills += 1
      else {
        assert.deepEqual([code, stderr], [0, ''], `round ${round}: ${chosen.join(' | ')}`)
        assert.equal((JSON.parse(stdout) as { receipt: { commit: string } }).receipt.commit, tip)
      }
    }

    const engine = await home.open()
    const { value, receipt } = await engine.run('status', { repo })
    assert.deepEqual([(value as { clean: boolean }).clean, receipt.commit], [true, tip])
    await engine.close()
    assert.deepEqual(leftovers(home), [], `round ${round}: ${chosen.join(' | ')}`)

    // Now and then everything starts from nothing again.
    if (round % 10 === 9) {
      const dropping = await home.open()
      for (const { id } of await dropping.images()) await dropping.drop(id)
      await dropping.close()
    }
  }
  assert(kills > rounds / 2, `only ${kills} were killed in time`)
  assert.deepEqual(await imageComplaints(home), [])
})
