import { finishOk } from '../core/exec.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { start, type PlaceOptions } from './place.ts'

/** Fixed text; both files are read as data, by name, where the worktree's root is. */
const LOOK = `
[ -f .gitmodules ] && [ ! -L .gitmodules ] && echo submodules
[ -f .gitattributes ] && [ ! -L .gitattributes ] && grep -q 'filter=lfs' .gitattributes && echo lfs
exit 0
`

const sentences: Readonly<Record<string, string>> = {
  submodules: 'submodules are not followed: their directories are empty',
  lfs: 'LFS is not followed: its files hold pointers, not contents',
}

/** What a checkout leaves out on purpose, in sentences for receipts: nothing may be silently empty. */
export async function notFollowed(builder: Sandbox, options: PlaceOptions): Promise<readonly string[]> {
  const { stdout } = await finishOk(start(builder, ['/bin/sh', '-c', LOOK], options), 'look for submodules and LFS')
  return stdout
    .toString('latin1')
    .split('\n')
    .flatMap((word) => sentences[word] ?? [])
}
