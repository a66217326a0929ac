import { openDriver, shell, specOf } from './local-sandboxes.ts'

/** A service for tests that tells which descriptors its sandboxes' commands have: `descriptor-process.ts <folder>`. */
const driver = await openDriver(`${process.argv[2]}/state`)
const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal: new AbortController().signal })
const list = async (): Promise<string[]> =>
  (await shell(sandbox, `exec perl -e 'opendir D, "/proc/self/fd"; print "$_ " for grep /\\d/, readdir D'`))
    .trim()
    .split(' ')
const inside = await list()
const reach = 'for fd in /proc/self/fd/*; do if test -e $fd/etc/shadow; then echo reached; fi; done'
const reached = (await shell(sandbox, reach)) !== ''
process.stdout.write(JSON.stringify({ inside, again: await list(), reached }))
await driver.close()
