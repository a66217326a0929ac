import { Command } from 'commander'
import type { HostReport } from '../../sandbox/host-report.ts'
import { exitCodes } from '../problem.ts'
import { printJson, printPlain, type Session } from '../session.ts'

/** `doctor`: what this host can and cannot do, and what to install. */
export function doctorCommand(session: Session): Command {
  return new Command('doctor')
    .description('Say what this host can and cannot do, and what to install.')
    .option('--json', 'Print {"value": {"checks": […], "able": …}, "receipt": null} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard doctor')
    .action(async ({ json: isJson = false }: { json?: boolean }) => {
      const report = await session.doors.probeHost({ signal: session.signal })
      if (isJson) await printJson(session, { value: report, receipt: null })
      else await printPlain(session, reportText(report))
      if (!report.able) session.exitWith(exitCodes.hostUnable)
    })
}

function reportText({ checks, able }: HostReport): string {
  const lines = checks.flatMap(({ name, ok, detail, fix }) => {
    const line = `${ok ? 'ok  ' : 'no  '}${name}: ${detail}`
    return ok || fix === '' ? [line] : [line, `      ${fix}`]
  })
  return [...lines, '', able ? 'This host can run sandboxes.' : 'This host cannot run sandboxes.'].join('\n')
}
