import { z } from 'zod'

/** What the service tells of its work on standard error. */
export const logSettings = z.strictObject({
  log: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('What the service logs: one line a request at `info`, those of probes and scrapes at `debug`.'),
})
