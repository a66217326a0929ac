import { hasCode } from '../core/errors.ts'
import type { Directory } from '../directory/directory.ts'
import type { SandboxDriver } from '../sandbox/contract.ts'

/** Removes an image and what is recorded of it, also one that never came to be or that another process removes. */
export async function forgetImage(
  { driver, directory }: { readonly driver: SandboxDriver; readonly directory: Directory<unknown> },
  id: string,
): Promise<void> {
  await driver.drop(id).catch((error: unknown) => {
    if (!hasCode(error, 'image_not_found')) throw error
  })
  await directory.forget(id)
}
