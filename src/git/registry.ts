import { AppError } from '../core/errors.ts'
import type { Operation } from './operation.ts'
import { blame } from './operations/blame.ts'
import { branches } from './operations/branches.ts'
import { describe } from './operations/describe.ts'
import { diff } from './operations/diff.ts'
import { grep } from './operations/grep.ts'
import { listFiles } from './operations/list-files.ts'
import { log } from './operations/log.ts'
import { mergeBase } from './operations/merge-base.ts'
import { readFile } from './operations/read-file.ts'
import { revParse } from './operations/rev-parse.ts'
import { show } from './operations/show.ts'
import { status } from './operations/status.ts'
import { tags } from './operations/tags.ts'

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
