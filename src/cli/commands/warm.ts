import { Command } from 'commander'
import { bytesText } from '../format.ts'
import { addFlags, commonFields, givenValues } from '../operation-flags.ts'
import { printJson, printPlain, withEngine, type Session } from '../session.ts'
import { repoOf } from '../target.ts'

/** `warm <repo>`: the image of a ref made ready before anyone asks for it. */
export function warmCommand(session: Session): Command {
  const command = addFlags(new Command('warm'), commonFields)
  return command
    .description('Make the golden image of a ref ready.')
    .argument('<repo>', 'https://…, file://… or a path')
    .option('--cone <directories>', 'Only these directories, separated by commas.', (text) => text.split(','))
    .option('--json', 'Print {"value": …, "receipt": …} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard warm . --ref=main')
    .action(async (target: string, { json: isJson = false, cone }: { json?: boolean; cone?: readonly string[] }) => {
      const input = {
        repo: repoOf(target),
        ...givenValues(command, commonFields),
        ...(cone === undefined ? {} : { cone }),
      }
      const { value, receipt } = await withEngine(session, { isJson }, (engine, options) => engine.warm(input, options))
      if (isJson) return await printJson(session, { value, receipt })
      const text = `${value.id}  ${value.commit}  ${bytesText(value.bytes ?? 0)}`
      return await printPlain(session, text, receipt.warnings)
    })
}
