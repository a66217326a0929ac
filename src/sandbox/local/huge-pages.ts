import { readFileSync } from 'node:fs'
import type { Template } from '../contract.ts'

/** Where commands find what they see as /sys. */
export const SYS_IN_ETC = 'forkyard/sys'

const folder = 'kernel/mm/transparent_hugepage'

/**
 * The two files of /sys that the C library reads before it asks for huge pages, as this host has them, by their place in
 * /etc; none where it has not. An index of 80,000 files is 15 MB of memory, which git fills once and, because it starts the
 * fsmonitor hook, copies page by page a second time: with huge pages `git status` took two thirds of the time.
 */
export function hugePageFiles(): Template['etc'] {
  try {
    const files = ['enabled', 'hpage_pmd_size'].map((name) => {
      const content = readFileSync(`/sys/${folder}/${name}`, 'utf8')
      return [`${SYS_IN_ETC}/${folder}/${name}`, { content, mode: 0o644 }] as const
    })
    return Object.fromEntries(files)
  } catch {
    // A kernel without huge pages, or a host that does not show them.
    return {}
  }
}
