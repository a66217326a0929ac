import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { followedFile } from './followed-file.ts'

/** Whose webhooks are understood. */
export const hookKinds = ['github', 'gitlab'] as const

export type HookKind = (typeof hookKinds)[number]

/** The secrets that are in force; a changed file is seen without a restart. */
export interface HookSecrets {
  /** None where webhooks of this kind are not served. */
  of(kind: HookKind): Promise<readonly string[]>
  /** What is wrong with the file now; the secrets read before stay in force. */
  readonly trouble: string | null
}

/** What a signing token begins with (Standard Webhooks); the rest is the key in base64. */
const SIGNING = 'whsec_'
const MIN_KEY_BYTES = 24

const secret = z.string().min(16).max(1024)
/** Each costs an HMAC for every request that bears none of them. */
const secrets = <Secret extends z.ZodType<string>>(one: Secret) => z.array(one).max(8).default([])

/** FORKYARD_HOOK_SECRETS_FILE. */
export const hookSecretsSchema = z.strictObject({
  github: secrets(secret),
  gitlab: secrets(
    secret.refine((text) => (signingKey(text)?.length ?? MIN_KEY_BYTES) >= MIN_KEY_BYTES, {
      message: 'must have a key of 24 bytes in base64 after whsec_',
    }),
  ),
})

/** Reads the secrets; throws `settings_invalid`. Without a file there are none. */
export async function hookSecrets(path: string | null, clock: Clock): Promise<HookSecrets> {
  if (path === null) return { of: async () => [], trouble: null }
  const file = await followedFile({ path, name: 'hook secrets file', schema: hookSecretsSchema, clock })
  return {
    of: async (kind) => (await file.current())[kind],
    get trouble() {
      return file.trouble
    },
  }
}

/** The key of a signing token; `null` for a secret that is sent as it is. */
export function signingKey(text: string): Buffer | null {
  return text.startsWith(SIGNING) ? Buffer.from(text.slice(SIGNING.length), 'base64') : null
}

/** Where announcements of this kind are sent to. */
export function hookPath(kind: HookKind): string {
  return `/v1/hooks/${kind}`
}
