import { z } from 'zod'

/** Who is served over HTTP, and how the service ends; the defaults live here only. */
export const httpSettings = z.strictObject({
  apiKeysFile: z
    .string()
    .nullable()
    .default(null)
    .describe('A JSON file of tenants and the hashes of their keys; without it only this machine is served.'),
  hookSecretsFile: z
    .string()
    .nullable()
    .default(null)
    .describe('A JSON file of the secrets of webhooks, for GitHub and GitLab; without it none are taken.'),
  arrivalMs: z
    .int()
    .min(100)
    .default(60_000)
    .describe('Time for a request to arrive whole; its headers have at most ten seconds of it.'),
  drainMs: z
    .int()
    .min(0)
    .default(30_000)
    .describe('How long a service that is told to stop lets what is under way go on.'),
})

export type HttpSettings = Readonly<z.output<typeof httpSettings>>
