import { span } from '../core/spans.ts'
import { correlationId } from '../core/correlation.ts'
import type { Running } from '../core/exec.ts'
import type { Needs } from '../git/operation.ts'
import { withSandbox, WORKSPACE } from '../workspace/place.ts'
import { openedAt } from '../workspace/repository-files.ts'
import type { Execution, Receipt, RequestOptions } from './contract.ts'
import { prepareFirstContact } from './first-contact.ts'
import type { Parts } from './parts.ts'
import { bracketRequest, type RequestScope } from './request-scope.ts'
import { openedIds } from './resolve.ts'
import { withSecondTry } from './second-try.ts'

/** A program may read and run every file; history beyond the tip is not promised. */
const needs: Needs = { history: 1, trees: 'tip', blobs: 'tip', worktree: 'full', refs: 'asked' }

/**
 * Opens the working copy on its branch and becomes the program, in one start: $1 files, each as path, "write" or
 * "append", and content, then the program. A program that is not there gives the exit code every shell gives it, 127.
 */
const OPEN_AND_RUN = `
n=$1; shift
while [ "$n" -gt 0 ]; do
  [ "$2" = append ] || : >"$1"
  printf %s "$3" >>"$1"
  shift 3; n=$((n - 1))
done
exec "$@"
`

/** Starts a program in a throw-away fork; the fork ends with it. */
export async function execInFork(parts: Parts, input: unknown, options: RequestOptions): Promise<Execution> {
  const { argv, cone, ...common } = parts.requests.exec(input)
  const started = Promise.withResolvers<Running>()
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Receipt> => {
    const repository = await parts.repositories.open(common.repo, options.gitAuthorization)
    const known = { maxStalenessMs, signal: scope.signal }
    void prepareFirstContact(parts, repository, scope.signal)
    const resolution = await parts.resolver.resolve(repository, common.ref, known)
    const provided = await parts.images.provide(
      {
        repo: repository.key,
        sharing: repository.scope,
        connect: repository.connect,
        needs: cone.length === 0 ? needs : { ...needs, blobs: 'none', worktree: 'cone' },
        commits: openedIds(resolution),
        cone,
        listBlobs: async () => [],
      },
      scope,
    )
    const spec = {
      image: provided.image,
      upper: 'memory',
      network: 'none',
      limits: parts.limits,
      metadata: { role: 'run' },
    } as const
    const warnings = await withSandbox(
      parts.driver,
      spec,
      async (sandbox) => {
        const files = openedAt(resolution, provided.plan.result.tips)
        const running = sandbox.exec({
          argv: [
            '/bin/sh',
            '-c',
            OPEN_AND_RUN,
            'run',
            String(files.length),
            ...files.flatMap(({ path, how, content }) => [path, how, content]),
            ...argv,
          ],
          cwd: WORKSPACE,
          env: environment(),
          signal: scope.signal,
          deadlineMs: scope.deadlineMs,
          maxOutputBytes: Number.MAX_SAFE_INTEGER,
        })
        started.resolve(running)
        await span('exec', { driver: parts.driver.name }, () => running.exit)
        return [...sandbox.warnings, ...provided.warnings]
      },
      scope,
    )
    const facts = { repository, ref: common.ref, resolution, driver: parts.driver.name, tier: provided.plan.tier }
    return scope.answer({ value: null, provided, warnings }, facts).receipt
  }
  const receipt = bracketRequest(common, options, (scope) =>
    withSecondTry(common.maxStalenessMs, (maxStalenessMs) => serve(scope, maxStalenessMs)),
  )
  receipt.catch((error: unknown) => started.reject(error))
  return { running: await started.promise, receipt }
}

function environment(): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/home',
    USER: 'forkyard',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    GIT_TERMINAL_PROMPT: '0',
    GIT_TRACE2_PARENT_SID: correlationId() ?? '',
  }
}
