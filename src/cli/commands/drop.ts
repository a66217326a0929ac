import { Command } from 'commander'
import { printJson, withEngine, type Session } from '../session.ts'

/** `drop <image>`: the image goes, sandboxes made from it stay. */
export function dropCommand(session: Session): Command {
  return new Command('drop')
    .description('Remove a golden image.')
    .argument('<image>', 'id of an image, as forkyard images lists it')
    .option('--json', 'Print {"value": {"id": …}, "receipt": null} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard drop "$(forkyard images --json | jq -r \'.value[0].id\')"')
    .action(async (id: string, { json: isJson = false }: { json?: boolean }) => {
      await withEngine(session, { isJson }, (engine) => engine.drop(id))
      if (isJson) await printJson(session, { value: { id }, receipt: null })
    })
}
