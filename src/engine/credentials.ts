import { createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import type { RemoteAuthorization } from '../git/remote/remote.ts'

/** What a credential may be used for. */
export type CredentialUse = 'fetch' | 'push'

const host = z.string().regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i, 'must be a host or host:port')
const owner = z
  .string()
  .regex(/^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/, 'must be a path without slashes at its ends')
const username = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^:\p{Cc}]+$/u, 'must not hold ":" or control characters')
const shared = {
  host: host.transform((text) => text.toLowerCase().replace(/:443$/, '')),
  owner: owner.optional(),
  username,
  use: z.array(z.enum(['fetch', 'push'])).min(1),
  tenants: z.array(z.string().min(1)).min(1).optional(),
}

/** The list in FORKYARD_CREDENTIALS_FILE; it says where secrets are and holds none. */
export const credentialsSchema = z.array(
  z.union([
    z.strictObject({ ...shared, passwordEnv: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
    z.strictObject({ ...shared, passwordFile: z.string().startsWith('/') }),
  ]),
)

export type Credential = z.output<typeof credentialsSchema>[number]

/** Reads and checks FORKYARD_CREDENTIALS_FILE; `requiresTenants` once several callers are told apart. */
export async function loadCredentials(
  path: string,
  { requiresTenants }: { readonly requiresTenants: boolean },
): Promise<readonly Credential[]> {
  const parsed = credentialsSchema.safeParse(parseJson(await readSetting(path, 'the credentials file'), path))
  if (!parsed.success) {
    // Issues name fields and rules; a value could be a secret in the wrong place.
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`)
    throw new AppError('settings_invalid', 'Cannot use the credentials file: its entries are malformed', {
      details: { path, issues },
    })
  }
  if (requiresTenants && parsed.data.some(({ tenants }) => tenants === undefined)) {
    throw new AppError('settings_invalid', 'Cannot use the credentials file: with API keys every entry needs tenants', {
      details: { path },
    })
  }
  return parsed.data
}

/** The entry that fits a repository best, the longest owner first; `null` means anonymous. */
export function selectCredential(
  credentials: readonly Credential[],
  wanted: {
    /** `host` or `host:port`, as the canonical URL has it. */
    readonly host: string
    readonly path: string
    readonly use: CredentialUse
    /** `null` where callers are not told apart. */
    readonly tenant: string | null
  },
): Credential | null {
  const fitting = credentials.filter(
    (entry) =>
      entry.host === wanted.host &&
      (entry.owner === undefined || wanted.path.startsWith(`/${entry.owner}/`)) &&
      entry.use.includes(wanted.use) &&
      isFor(entry, wanted.tenant),
  )
  const [best] = fitting.toSorted((a, b) => (b.owner?.length ?? 0) - (a.owner?.length ?? 0))
  return best ?? null
}

/** Fetches a credential's secret from where its entry says, now, so that a rotated one is seen. */
export async function openCredential(
  credential: Credential,
  { environment }: { readonly environment: Readonly<Record<string, string | undefined>> },
): Promise<RemoteAuthorization> {
  const { username: name } = credential
  if ('passwordFile' in credential) {
    const text = await readSetting(credential.passwordFile, 'a password file')
    return authorizationOf(name, text.replace(/\r?\n$/, ''), credential.passwordFile)
  }
  return authorizationOf(name, environment[credential.passwordEnv] ?? '', credential.passwordEnv)
}

/** The credential a caller sent along for one request, `Basic …`. */
export function requestAuthorization(value: string): RemoteAuthorization {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1]
  const decoded = encoded === undefined || encoded.length > 8192 ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  if (!/^[^:\p{Cc}]*:\P{Cc}*$/u.test(decoded)) {
    throw new AppError(
      'input_invalid',
      'Cannot use the git authorization: it is not "Basic" with a name and a password',
    )
  }
  return new Authorization(`Basic ${encoded}`)
}

/** Tells credentials apart: keyed with a value of this process, so that it cannot be guessed backwards; anonymous is "". */
export function fingerprint(authorization: RemoteAuthorization | null): string {
  return authorization?.fingerprint ?? ''
}

const fingerprintKey = randomBytes(32)

/** Keeps a header value where neither printing, JSON nor a debugger's view of fields finds it. */
class Authorization implements RemoteAuthorization {
  readonly #header: string
  readonly fingerprint: string

  constructor(header: string) {
    this.#header = header
    this.fingerprint = createHmac('sha256', fingerprintKey).update(header).digest('hex')
  }

  header(): string {
    return this.#header
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

function isFor({ tenants }: Credential, tenant: string | null): boolean {
  // An entry for nobody in particular is for nobody once callers are told apart.
  return tenant === null || tenants?.includes(tenant) === true
}

function authorizationOf(name: string, password: string, source: string): Authorization {
  if (password === '' || /\p{Cc}/u.test(password)) {
    throw new AppError(
      'settings_invalid',
      'Cannot use a credential: its password is missing or holds control characters',
      {
        details: { source },
      },
    )
  }
  return new Authorization(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`)
}

async function readSetting(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new AppError('settings_invalid', `Cannot read ${what}`, { details: { path }, cause })
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which could hold a secret in the wrong place.
    throw new AppError('settings_invalid', 'Cannot use the credentials file: it is not JSON', { details: { path } })
  }
}
