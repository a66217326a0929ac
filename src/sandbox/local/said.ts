import { escapeText } from '../../core/escape.ts'

const TAIL_CHARACTERS = 2000

/**
 * The end of what a program of the host said for a sandbox, fit to be shown to its caller: no control characters, which
 * hostile names may hold, and no path of the host. Names in the sandbox are relative to the state directory and stay.
 */
export function shownTail(said: string, stateDir: string | null = null): string {
  const text = stateDir === null ? said : said.replaceAll(stateDir, '…')
  // A path may be quoted, and written in a way that is not ours.
  const shown = text.replace(/(?<=^|[\s'"`(=,:…])\/[^\s'":,)]*/g, '…').replace(/…+/g, '…')
  return escapeText(shown.trim().slice(-TAIL_CHARACTERS))
}
