import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { exactBytes, plainLine, type ExactText } from '../bytes.ts'
import { conflictFields, noConflicts, readConflicts, type Conflicts } from '../conflicts.ts'
import { matchIgnoreRules } from '../ignore-rules.ts'
import { defineOperation } from '../operation.ts'
import { pathTree } from '../path-tree.ts'
import { pathProblem } from '../path.ts'
import { patchRejection } from '../patch-rejection.ts'
import { patchedFile, patchedPaths, readPatchedFiles, steadyApply, type PatchedFile } from '../patched-files.ts'
import type { Git } from '../run-git.ts'

const maxPatchBytes = 67_108_864

const input = z.strictObject({
  patch: z
    .union([z.string(), z.strictObject({ base64: z.base64() })])
    .refine((patch) => typeof patch !== 'string' || patch.isWellFormed(), 'it is not well-formed Unicode')
    .refine((patch) => exactBytes(patch).length <= maxPatchBytes, `it is longer than ${maxPatchBytes} bytes`)
    .meta({ description: 'A patch as git diff writes it; {"base64": …} where it is not UTF-8.' }),
  index: z.boolean().default(false).meta({ description: 'Whether to stage the changes too.' }),
  threeWay: z.boolean().default(false).meta({
    description: 'Whether to merge where the patch was made from other contents that are known; stages as well.',
  }),
  reverse: z.boolean().default(false).meta({ description: 'Whether to take the changes back.' }),
  check: z.boolean().default(false).meta({ description: 'Whether only to try; not together with threeWay.' }),
})
type Input = z.output<typeof input>

export const applyPatch = defineOperation({
  name: 'apply-patch',
  summary: 'Apply a patch to the files.',
  effect: 'write',
  input,
  output: z.strictObject({
    applied: z.boolean().meta({ description: 'Whether it is in without conflicts; false where it was only tried.' }),
    files: z.array(patchedFile),
    ...conflictFields,
    conflicts: conflictFields.conflicts.meta({ description: 'Where threeWay left both sides in the file.' }),
  }),
  example: { patch: ['--- /dev/null', '+++ b/notes.txt', '@@ -0,0 +1 @@', '+Read me first', ''].join('\n') },
  isPure: false,
  needs: ({ index, threeWay }) => ({
    history: 1,
    trees: index || threeWay ? 'tip' : 'none',
    blobs: 'none',
    worktree: 'cone',
    refs: 'asked',
  }),
  async run(git, input, { signal }) {
    const { threeWay, check, reverse } = input
    if (check && threeWay) {
      throw new AppError('input_invalid', 'Cannot run apply-patch: whether a merge has conflicts cannot be tried')
    }
    const patch = exactBytes(input.patch)
    const files = await readPatchedFiles(git, { patch, reverse, signal })
    const paths = patchedPaths(files)
    refusePaths(paths)
    if (input.index || threeWay) await refuseLinks(git, paths, signal)
    const result = await git('apply', { flags: applyFlags(input), stdin: patch, okExitCodes: [0, 1, 128], signal })
    const left = threeWay && result.exitCode === 1 ? await conflictsIn(git, files, signal) : noConflicts
    const hasConflicts = left.conflicts.length > 0
    if (result.exitCode !== 0 && !hasConflicts) throw patchRejection(result, paths)
    return { applied: !check && !hasConflicts, files: [...files], ...left }
  },
  plain({ files, conflicts }) {
    const letter = (status: PatchedFile['status']) => status.charAt(0).toUpperCase()
    const changes = files.map((file) => [letter(file.status), ...patchedPaths([file]).map(plainLine)].join('\t'))
    return [...changes, ...conflicts.map(({ path }) => `conflict in ${plainLine(path)}`)].join('\n').concat('\n')
  },
})

function applyFlags({ index, threeWay, reverse, check }: Input): readonly string[] {
  return [
    ...steadyApply,
    ...(index ? ['--index'] : []),
    ...(threeWay ? ['--3way'] : []),
    ...(reverse ? ['--reverse'] : []),
    ...(check ? ['--check'] : []),
  ]
}

/** The conflicts of this patch; there may be older ones. */
async function conflictsIn(git: Git, files: readonly PatchedFile[], signal: AbortSignal): Promise<Conflicts> {
  const own = new Set(patchedPaths(files).map(key))
  return readConflicts(git, { isMeant: (path) => own.has(path), signal })
}

/** Git refuses such names as well, but some only where the repository's configuration has not told it otherwise. */
function refusePaths(paths: readonly ExactText[]): void {
  const problems = paths.filter((path) => pathProblem(path) !== null).map((path) => ({ path, line: null }))
  if (problems.length === 0) return
  throw new AppError('patch_rejected', 'Cannot apply the patch: a path lies outside of the worktree', {
    details: { problems: problems.slice(0, 100), patchLine: null, isAncestorMissing: false },
  })
}

/**
 * With the index, git looks only there for links on the way, and follows one that it does not know. A path below
 * another one of the patch is left to git: it may well be a link that the patch itself removes.
 */
async function refuseLinks(git: Git, paths: readonly ExactText[], signal: AbortSignal): Promise<void> {
  const own = pathTree()
  for (const path of paths) own.add(key(path))
  const isBelowOther = (path: string) => own.covers(path.slice(0, Math.max(path.lastIndexOf('/'), 0)))
  await matchIgnoreRules(
    git,
    paths.filter((path) => !isBelowOther(key(path))),
    { signal },
  )
}

function key(path: ExactText): string {
  return exactBytes(path).toString('latin1')
}
