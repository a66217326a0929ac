import type { Command } from 'commander'
import type { Session } from './session.ts'

/** The commands that are no operations, each loaded only when it is used or listed. */
const commands: Readonly<Record<string, (session: Session) => Promise<Command>>> = {
  run: async (session) => (await import('./commands/run.ts')).runCommand(session),
  explain: async (session) => {
    const [{ explainCommand }, { operations }] = await Promise.all([
      import('./commands/explain.ts'),
      import('../git/registry.ts'),
    ])
    return explainCommand(operations, session)
  },
  images: async (session) => (await import('./commands/images.ts')).imagesCommand(session),
  warm: async (session) => (await import('./commands/warm.ts')).warmCommand(session),
  drop: async (session) => (await import('./commands/drop.ts')).dropCommand(session),
  open: async (session) => (await import('./commands/open.ts')).openCommand(session),
  list: async (session) => (await import('./commands/list.ts')).listCommand(session),
  exec: async (session) => (await import('./commands/exec.ts')).execCommand(session),
  fork: async (session) => (await import('./commands/fork.ts')).forkCommand(session),
  extend: async (session) => (await import('./commands/extend.ts')).extendCommand(session),
  close: async (session) => (await import('./commands/close.ts')).closeCommand(session),
  serve: async (session) => (await import('./commands/serve.ts')).serveCommand(session),
  doctor: async (session) => (await import('./commands/doctor.ts')).doctorCommand(session),
  bench: async (session) => {
    const [{ benchCommand }, benchmarks] = await Promise.all([
      import('./commands/bench.ts'),
      session.doors.benchmarks(),
    ])
    return benchCommand(benchmarks, session)
  },
}

/** The one command that `word` names, or all of them where it names none (help, a typing error). */
export async function commandsFor(word: string | undefined, session: Session): Promise<readonly Command[]> {
  const command = word === undefined || !Object.hasOwn(commands, word) ? undefined : commands[word]
  if (command !== undefined) return [await command(session)]
  const [{ operationCommand }, { operations }] = await Promise.all([
    import('./commands/operation.ts'),
    import('../git/registry.ts'),
  ])
  const operation = operations.find(({ name }) => name === word)
  if (operation !== undefined) return [operationCommand(operation, session)]
  const others = await Promise.all(Object.values(commands).map((make) => make(session)))
  return [...operations.map((each) => operationCommand(each, session)), ...others]
}
