import { AppError } from '../core/errors.ts'

/** Most records that are kept of one list. */
export const maxKept = 250_000
/** Most bytes of what they name or say: two trees that hold one another can give a few files names without end. */
const maxKeptBytes = 64 * 1024 * 1024

/**
 * A repository decides how long a list is, and all callers share this process's memory. Whoever keeps the records of one
 * calls what is returned here for each of them; it throws `output_limit` where they are too many.
 */
export function keeping(what: string, maxRecords: number = maxKept): (bytes: number) => void {
  let [records, bytes] = [0, 0]
  return (more) => {
    records++
    bytes += more
    if (records > maxRecords) throw tooMuch(`there are more than ${maxRecords} ${what}`)
    if (bytes > maxKeptBytes) throw tooMuch(`${what} take more than ${maxKeptBytes} bytes to list`)
  }
}

function tooMuch(fact: string): AppError {
  return new AppError('output_limit', `Cannot keep the list: ${fact}`)
}
