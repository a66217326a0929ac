import { correlationId } from '../core/correlation.ts'
import { span } from '../core/spans.ts'
import { directoryIn, programEnvironment } from '../workspace/opening.ts'
import type { Execution, ProgramOptions, Receipt } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bracketInWorkspace } from './workspace-scope.ts'

/** Starts a program in a workspace; it takes no lock, and ends with its caller, its deadline or the workspace. */
export async function execInWorkspace(
  parts: Parts,
  lease: Lease,
  input: unknown,
  options: ProgramOptions,
): Promise<Execution> {
  const { argv, cwd, env, deadlineMs, maxOutputBytes } = parts.requests.program(input)
  const endProgram = parts.programs.begin(options.caller)
  const started = Promise.withResolvers<Omit<Execution, 'receipt'>>()
  const receipt: Promise<Receipt> = bracketInWorkspace(
    parts,
    lease,
    { operation: 'exec', deadlineMs },
    options,
    async (scope) => {
      while (lease.sweeping !== null) await lease.sweeping
      lease.programs += 1
      try {
        const running = lease.exec({
          argv,
          cwd: directoryIn(cwd),
          env: { ...programEnvironment(correlationId() ?? ''), ...env },
          ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
          signal: scope.signal,
          deadlineMs: scope.deadlineMs,
          maxOutputBytes,
        })
        started.resolve({ running, known: scope.known() })
        await span('exec', { driver: parts.driver.name }, () => running.exit)
      } finally {
        lease.programs -= 1
      }
      return scope.answer(null, { steps: [], bytesFetched: 0 }).receipt
    },
  )
  receipt.catch((error: unknown) => started.reject(error)).finally(endProgram)
  return { ...(await started.promise), receipt }
}
