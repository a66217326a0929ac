import { z } from 'zod'

const gibibyte = 1024 ** 3

/** Where local sandboxes live and what each may use; the defaults live here only. */
export const localSettings = z.strictObject({
  stateDir: z
    .string()
    .regex(/^\//, 'must be an absolute path')
    .describe(
      'Images, layers and the journal. From the environment: $XDG_STATE_HOME/forkyard, as root /var/lib/forkyard.',
    ),
  sandboxUid: z
    .int()
    .min(1)
    .default(65_533)
    .describe('User and group id of sandboxes where forkyard is started as root; else it is the user itself.'),
  diskBytes: z
    .int()
    .min(1)
    .default(8 * gibibyte)
    .describe('What a sandbox may write.'),
  inodes: z.int().min(1).default(1_000_000).describe('How many files a sandbox may make.'),
  memoryBytes: z
    .int()
    .min(1)
    .default(2 * gibibyte)
    .describe('Memory of all programs of a sandbox together.'),
  processes: z.int().min(1).default(512).describe('Processes and threads of a sandbox.'),
  cpus: z.number().positive().default(2).describe('Processor share of a sandbox, in cores.'),
  tmpBytes: z
    .int()
    .min(1)
    .default(256 * 1024 * 1024)
    .describe('Size of /tmp in a sandbox.'),
  memoryUppersShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.4)
    .describe('Share of the memory that the changes of all sandboxes may take before disk is used.'),
})

export type LocalSettings = Readonly<z.output<typeof localSettings>>
