import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from './duration.ts'

const flags = {
  cone: () =>
    new Option('--cone <directories>', 'Only these directories, separated by commas.').argParser((text) =>
      text.split(','),
    ),
  history: () =>
    new Option('--history <generations>', '"tip", a number of generations, or "full".').argParser(parseHistory),
  ttl: () => new Option('--ttl <time>', 'How long it lives from now, such as 90s, 30m or 1h.').argParser(parseDuration),
}

/** Adds flags by which a workspace is asked for. */
export function addWorkspaceFlags(command: Command, ...names: readonly (keyof typeof flags)[]): Command {
  for (const name of names) command.addOption(flags[name]())
  return command
}

/** What was given of them, by the names of the fields. */
export function givenWorkspaceFields(command: Command): Record<string, unknown> {
  const { cone, history, ttl: ttlMs } = command.opts<Record<keyof typeof flags, unknown>>()
  return Object.fromEntries(Object.entries({ cone, history, ttlMs }).filter(([, value]) => value !== undefined))
}

function parseHistory(text: string): number | string {
  if (text === 'tip' || text === 'full') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is neither "tip", a number from 1 on, nor "full".')
}
