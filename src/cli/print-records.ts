import { toProblem, type Problem } from '../core/errors.ts'
import type { AnswerRecord, AnswerRecords } from '../engine/contract.ts'
import type { Session } from './session.ts'
import { write } from './terminal.ts'

/** Prints records as they come, a line each. What fails after the first is one as well, so that the last line says how it ended. */
export async function printRecords({ terminal }: Session, records: AnswerRecords): Promise<void> {
  let hasBegun = false
  try {
    for await (const record of records) {
      hasBegun = true
      // A reader that has seen enough, such as head(1), is no failure.
      if (!(await write(terminal.stdout, lineOf(record)))) return
    }
  } catch (error) {
    if (hasBegun) await write(terminal.stdout, lineOf({ type: 'error', problem: toProblem(error) }))
    throw error
  }
}

function lineOf(record: AnswerRecord | { readonly type: 'error'; readonly problem: Problem }): string {
  return `${JSON.stringify(record)}\n`
}
