import { z } from 'zod'

/** What the engine may reach and how long and how much it may work; the defaults live here only. */
export const engineSettings = z.strictObject({
  allowHosts: z
    .array(z.string())
    .default([])
    .describe(
      'Hosts, as host or host:port, that may be reached although they are private, loopback or speak plain http.',
    ),
  onlyHosts: z.array(z.string()).default([]).describe('Where not empty: the only hosts that may be reached.'),
  credentialsFile: z
    .string()
    .nullable()
    .default(null)
    .describe('A JSON list of credentials for upstream hosts, chosen by host and owner.'),
  maxStalenessMs: z
    .int()
    .min(0)
    .default(0)
    .describe('How old the knowledge of a ref may be; 0 asks the remote every time.'),
  deadlineMs: z.int().min(1).default(600_000).describe('Time after which a request is ended.'),
  idleMs: z
    .int()
    .min(1000)
    .default(30_000)
    .describe('Time of near silence after which a transfer from a server is given up.'),
  streamIdleMs: z
    .int()
    .min(1)
    .default(30_000)
    .describe('Time after which a stream is ended whose reader takes nothing.'),
  maxOutputBytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024)
    .describe('Bytes of output after which a program is ended.'),
  workspaceTtlMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('Time that a workspace lives where its caller asks for none.'),
  readerIdleMs: z
    .int()
    .min(0)
    .default(7_200_000)
    .describe(
      'How long a sandbox that answered a question waits for the next one, unless what it holds expires before; 0 ends it at once.',
    ),
  maxImageBytes: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Bytes that images may take on disk; the least worthy go where there is no room for another.'),
  maxRepositories: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Repositories whose images are kept; the least worthy go where one more is asked for.'),
  warmUpMs: z
    .int()
    .min(0)
    .default(1_800_000)
    .describe('How often a service refreshes the 10 repositories that are used most; 0 leaves that to requests.'),
  minFreeShare: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.05)
    .describe('The part of the file system of the state directory that images leave free; never more than 10 GiB.'),
  poolSize: z
    .int()
    .min(0)
    .default(2)
    .describe('Sandboxes that a service keeps ready of each kind that is asked for; more where many come; 0 for none.'),
  poolMax: z.int().min(0).default(32).describe('Sandboxes that a service keeps ready at most, of all kinds together.'),
  maxPushBytes: z
    .int()
    .min(1)
    .default(1024 ** 3)
    .describe('Bytes of new objects that one push may bring.'),
  concurrency: z
    .int()
    .min(1)
    .default(64)
    .describe('Pieces of work that run at once; answers that are known already do not count.'),
  maxWaiting: z.int().min(0).default(1024).describe('Pieces of work that wait for their turn; more are refused.'),
  maxWaitMs: z.int().min(1).default(30_000).describe('How long a piece of work waits for its turn.'),
  resultCacheBytes: z
    .int()
    .min(0)
    .default(64 * 1024 * 1024)
    .describe('Memory for results of reads at fixed commits; 0 keeps none.'),
})

export type EngineSettings = Readonly<z.output<typeof engineSettings>>
