import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { Caller } from '../engine/caller.ts'
import { followedFile } from './followed-file.ts'

/** A tenant as the door knows it. */
export interface Tenant extends Caller {
  /** Requests a second on the long run; `null` where nobody counts. */
  readonly ratePerSecond: number | null
}

/** The keys that are in force; a changed file is seen without a restart. */
export interface ApiKeys {
  /** Whose key this is. Throws `key_required`, the same for none, an unknown and an expired one. */
  tenantOf(authorization: string | undefined): Promise<Tenant>
  /** What is wrong with the file now; the keys read before stay in force. */
  readonly trouble: string | null
}

const count = z.int().min(1).nullable().default(null)
const names = z.array(z.string().min(1)).min(1).nullable().default(null)

const tenant = z.strictObject({
  isOperator: z.boolean().default(false),
  hosts: names,
  repositories: names,
  workspaces: count,
  operations: count,
  programs: count,
  ratePerSecond: z.number().positive().nullable().default(null),
  fetchBytesPerDay: count,
  sandbox: z
    .strictObject({
      diskBytes: z.int().min(1),
      inodes: z.int().min(1),
      memoryBytes: z.int().min(1),
      processes: z.int().min(1),
      cpus: z.number().positive(),
    })
    .partial()
    .default({}),
})

const key = z.strictObject({
  /** What the key is called where people talk about it. */
  id: z.string().min(1),
  tenant: z.string().min(1),
  /** Of the key itself, which stands nowhere. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower case hexadecimal digits'),
  expiresAt: z.iso.datetime().nullable().default(null),
})

/** FORKYARD_API_KEYS_FILE. */
export const apiKeysSchema = z
  .strictObject({ tenants: z.record(z.string().min(1), tenant), keys: z.array(key).min(1) })
  .refine(({ tenants, keys }) => keys.every((each) => Object.hasOwn(tenants, each.tenant)), {
    message: 'must name only tenants that are there',
    path: ['keys'],
  })

type KeysFile = z.output<typeof apiKeysSchema>

/** Reads the keys; throws `settings_invalid`. */
export async function apiKeys(path: string, clock: Clock): Promise<ApiKeys> {
  const schema = apiKeysSchema.transform(known)
  const file = await followedFile({ path, name: 'API keys file', schema, clock })
  const isInForce = ({ expiresAt }: KeysFile['keys'][number]): boolean =>
    expiresAt === null || Date.parse(expiresAt) > clock.now()

  async function later(tenant: string): Promise<Tenant | null> {
    const { tenants, keys } = await file.current()
    const hasKey = [...keys.values()].some((each) => each.tenant === tenant && isInForce(each))
    return hasKey ? (tenants.get(tenant) ?? null) : null
  }

  return {
    async tenantOf(authorization) {
      const { tenants, keys } = await file.current()
      const [, secret] = /^Bearer ([\x21-\x7e]{1,1024})$/i.exec(authorization ?? '') ?? []
      // Found by its hash: how long that takes tells nothing of any key.
      const found = secret === undefined ? undefined : keys.get(sha256(secret))
      const whose = found !== undefined && isInForce(found) ? tenants.get(found.tenant) : undefined
      if (whose === undefined) throw new AppError('key_required', 'Cannot serve the request: it bears no key in force')
      return { ...whose, later: () => later(whose.tenant) }
    },
    get trouble() {
      return file.trouble
    },
  }
}

/** The file as it is looked up. */
function known({ tenants, keys }: KeysFile) {
  return {
    tenants: new Map(Object.entries(tenants).map(([name, given]) => [name, tenantNamed(name, given)])),
    keys: new Map(keys.map((each) => [each.sha256, each])),
  }
}

function tenantNamed(name: string, { isOperator, ratePerSecond, ...limits }: KeysFile['tenants'][string]): Tenant {
  const given = Object.entries(limits.sandbox).filter(([, value]) => value !== undefined)
  return { tenant: name, isOperator, ratePerSecond, limits: { ...limits, sandbox: Object.fromEntries(given) } }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
