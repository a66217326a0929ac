import { z } from 'zod'

/** Where a service is, for commands that use one. */
export const clientSettings = z.strictObject({
  url: z
    .string()
    .default('http://127.0.0.1:7070')
    .describe('Where the service is that `open`, `list`, `exec`, `fork`, `extend`, `close` and `ws_…` targets use.'),
})
