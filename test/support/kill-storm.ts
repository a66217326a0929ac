import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { EngineHome } from './engine-home.ts'
import { imageComplaints } from './fsck-images.ts'
import { startGitServer } from './git-server.ts'
import { leftovers } from './leftovers.ts'
import { makeRepository } from './repository.ts'
import { seeded } from './seeded.ts'

/**
 * Rounds of several processes on one state directory, one of which is killed at a random moment: the others answer rightly,
 * and the next start leaves nothing of the one that is gone. Most of the kills must come in time.
 */
export async function killStorm(
  home: EngineHome,
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
): Promise<void> {
  const source = await makeRepository(`${home.dir}/stormy.git`, { bare: true })
  const files = Array.from({ length: 60 }, (_, at) => [`d${at % 7}/f${at}`, `${at}\n`.repeat(30)] as const)
  await source.commit({ files: Object.fromEntries(files) })
  const server = await startGitServer({ root: home.dir })
  try {
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
  } finally {
    await server.close()
  }
}
