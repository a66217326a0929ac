import { Command } from 'commander'
import type { ImageSummary } from '../../engine/contract.ts'
import { bytesText, table } from '../format.ts'
import { printJson, printPlain, withEngine, type Session } from '../session.ts'

/** `images`: what is frozen and ready to be forked. */
export function imagesCommand(session: Session): Command {
  return new Command('images')
    .description('List the golden images.')
    .option('--json', 'Print {"value": […], "receipt": null} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard images')
    .action(async ({ json: isJson = false }: { json?: boolean }) => {
      const images = await withEngine(session, { isJson }, (engine) => engine.images())
      if (isJson) await printJson(session, { value: images, receipt: null })
      else if (images.length > 0) await printPlain(session, table([header, ...images.map(rowOf)]))
    })
}

const header = ['IMAGE', 'REPOSITORY', 'COMMIT', 'HISTORY', 'WORKTREE', 'SIZE', 'LAYERS', 'CREATED']

function rowOf({ id, repo, tips, has, cone, bytes, layers, createdAt }: ImageSummary): readonly string[] {
  const worktree = has.worktree === 'cone' ? cone.join(',') : has.worktree
  const commits = tips.map((tip) => tip.slice(0, 12)).join(',')
  return [
    id,
    repo,
    commits,
    String(has.history),
    worktree,
    bytes === null ? '-' : bytesText(bytes),
    String(layers),
    createdAt,
  ]
}
