import { Argument, Command } from 'commander'
import type { Benchmark } from '../doors.ts'
import { printPlain, type Session } from '../session.ts'
import { write } from '../terminal.ts'

/** `bench [scenario]`: measures one scenario, or lists them. */
export function benchCommand(benchmarks: readonly Benchmark[], session: Session): Command {
  const names = benchmarks.map(({ name }) => name)
  return new Command('bench')
    .description('Measure a scenario against bare git, or list the scenarios.')
    .addArgument(new Argument('[scenario]', 'a scenario').choices(names))
    .addHelpText('after', '\nExample:\n  forkyard bench fork')
    .action(async (scenario: string | undefined) => {
      const chosen = benchmarks.find(({ name }) => name === scenario)
      if (chosen === undefined) return await printPlain(session, names.join('\n'))
      const print = async (text: string): Promise<void> => void (await write(session.terminal.stdout, text))
      return await chosen.run({ signal: session.signal, print })
    })
}
