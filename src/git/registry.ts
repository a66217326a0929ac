import { AppError } from '../core/errors.ts'
import type { Operation } from './operation.ts'
import { add } from './operations/add.ts'
import { applyPatch } from './operations/apply-patch.ts'
import { blame } from './operations/blame.ts'
import { branchCreate } from './operations/branch-create.ts'
import { branchDelete } from './operations/branch-delete.ts'
import { branches } from './operations/branches.ts'
import { clean } from './operations/clean.ts'
import { commit } from './operations/commit.ts'
import { configGet } from './operations/config-get.ts'
import { checkout } from './operations/checkout.ts'
import { cherryPick } from './operations/cherry-pick.ts'
import { describe } from './operations/describe.ts'
import { diff } from './operations/diff.ts'
import { fetch } from './operations/fetch.ts'
import { grep } from './operations/grep.ts'
import { listFiles } from './operations/list-files.ts'
import { log } from './operations/log.ts'
import { mergeBase } from './operations/merge-base.ts'
import { merge } from './operations/merge.ts'
import { pull } from './operations/pull.ts'
import { push } from './operations/push.ts'
import { readFile } from './operations/read-file.ts'
import { reset } from './operations/reset.ts'
import { restore } from './operations/restore.ts'
import { rebase } from './operations/rebase.ts'
import { revParse } from './operations/rev-parse.ts'
import { revert } from './operations/revert.ts'
import { show } from './operations/show.ts'
import { stash } from './operations/stash.ts'
import { status } from './operations/status.ts'
import { tag } from './operations/tag.ts'
import { tags } from './operations/tags.ts'
import { writeFile } from './operations/write-file.ts'

/** Every operation; each door makes its routes, commands and docs from this list. */
export const operations: readonly Operation[] = [
  status,
  diff,
  log,
  show,
  blame,
  grep,
  listFiles,
  readFile,
  branches,
  tags,
  mergeBase,
  revParse,
  describe,
  configGet,

  writeFile,
  applyPatch,
  add,
  reset,
  restore,
  commit,
  clean,
  stash,
  branchCreate,
  branchDelete,
  checkout,
  merge,
  rebase,
  cherryPick,
  revert,
  tag,

  fetch,
  pull,
  push,
]

/** The operation of that name; throws `operation_unknown`. */
export function findOperation(name: string): Operation {
  const found = operations.find((operation) => operation.name === name)
  if (found === undefined) {
    throw new AppError('operation_unknown', 'Cannot run the operation: there is none of that name', {
      details: { name: name.slice(0, 100) },
    })
  }
  return found
}
