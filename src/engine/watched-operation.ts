import type { Operation } from '../git/operation.ts'
import type { Recorder } from './answer-records.ts'

/** An operation as it runs for a reader: items are told as they come, and its value is what is left beside them. */
export function watched(operation: Operation, recorder: Recorder): Operation {
  const { items } = operation
  return {
    ...operation,
    async run(git, input, context) {
      recorder.begin()
      if (items === undefined) return operation.run(git, input, context)
      // An attempt that broke off for want of objects found the same, and these were told.
      let toldBefore = recorder.itemCount
      return items.each(git, input, context, async (item) => {
        if (toldBefore > 0) toldBefore -= 1
        else await recorder.item(item)
      })
    },
  }
}

/** Tells the items of a value that is there already; resolves with what is left beside them. */
export async function tellItems({ items }: Operation, value: unknown, recorder: Recorder): Promise<unknown> {
  recorder.begin()
  if (items === undefined) return value
  const { [items.list]: listed, ...rest } = value as Readonly<Record<string, unknown>>
  for (const item of listed as readonly unknown[]) await recorder.item(item)
  return rest
}
