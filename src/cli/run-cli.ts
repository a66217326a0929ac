import { Command, CommanderError } from 'commander'
import { AppError } from '../core/errors.ts'
import { commandsFor } from './commands.ts'
import type { Doors } from './doors.ts'
import type { Interrupt } from './interrupt.ts'
import { exitCodeOf, exitCodes, renderProblem } from './problem.ts'
import type { Session } from './session.ts'
import { ignoreStreamErrors, write, type Terminal } from './terminal.ts'

/** Runs one command line to its end and says with which code to exit. */
export async function runCli(
  argv: readonly string[],
  { doors, terminal, interrupt }: { doors: Doors; terminal: Terminal; interrupt: Interrupt },
): Promise<number> {
  ignoreStreamErrors(terminal)
  let exitCode: number = exitCodes.ok
  const session: Session = { doors, terminal, signal: interrupt.signal, exitWith: (code) => void (exitCode = code) }
  try {
    const program = await programFor(argv, session)
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok
    const error = thrown instanceof CommanderError ? asUsage(thrown) : thrown
    await write(
      terminal.stderr,
      renderProblem(error, { isJson: ['--json', '--stream'].some((flag) => ownArguments(argv).includes(flag)) }),
    )
    if (interrupt.signal.aborted) return interrupt.exitCode()
    const code = exitCodeOf(error)
    // A program's own code must stay apart from our failure to run it.
    return ['run', 'exec'].includes(argv[0] ?? '') && code === exitCodes.failed ? exitCodes.ownFailure : code
  }
}

async function programFor(argv: readonly string[], session: Session): Promise<Command> {
  const { terminal, doors } = session
  const program = new Command('forkyard')
    .description('An isolated, ready git working copy of any repository in milliseconds, and git run in it.')
    .usage('<command> [arguments] [flags]')
    .addHelpText('after', '\nExample:\n  forkyard log . --limit=3')
  const isVersion = argv[0] === '--version'
  if (isVersion) program.version(await doors.version())
  else program.option('--version', 'Print the version.')
  for (const command of isVersion ? [] : await commandsFor(argv[0], session)) program.addCommand(command)
  for (const each of withSubcommands(program)) {
    each.exitOverride().showSuggestionAfterError()
    each.configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // Misuse is shown once, by us, in one form.
      writeErr: () => {},
      outputError: () => {},
    })
  }
  return program
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

function asUsage({ code, message }: CommanderError): AppError {
  if (code === 'commander.help')
    return new AppError('input_invalid', 'Cannot understand the command line: no command given')
  const fact = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  const kind = code === 'commander.unknownCommand' ? 'operation_unknown' : 'input_invalid'
  return new AppError(kind, `Cannot understand the command line: ${fact}`)
}

/** What is written for us and not for the program after `--`. */
function ownArguments(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}
