import { asCanceled } from '../../core/deadline.ts'
import { copyWritten } from './copy-written.ts'
import type { Draft } from './create-sandbox.ts'
import type { LocalSandbox } from './sandbox.ts'

interface Forking {
  readonly stateDir: string
  readonly signal: AbortSignal
  readonly draft: (index: number) => Promise<Draft>
}

/** Makes `count` forks of a live sandbox, or none. Throws `sandbox_lost` where the sandbox ends meanwhile. */
export function forkSandbox(
  source: LocalSandbox,
  count: number,
  { stateDir, signal, draft }: Forking,
): Promise<readonly LocalSandbox[]> {
  return source.lend(async (ending) => {
    const whole = AbortSignal.any([signal, ending])
    const made = await Promise.allSettled(Array.from({ length: count }, (_, index) => draft(index)))
    const drafts = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const forks = drafts.map(({ sandbox }) => sandbox)
    try {
      const failed = made.find((one) => one.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      await copyWritten(source, forks, { stateDir, signal: whole })
      await Promise.all(drafts.map((draft) => draft.open()))
      if (whole.aborted) throw asCanceled(whole.reason)
      return forks
    } catch (error) {
      await Promise.all(forks.map((fork) => fork.destroy()))
      throw error
    }
  })
}
