import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from './core/errors.ts'
import { kebabCase, schemaFields, type SchemaField } from './core/schema-fields.ts'
import { clientSettings } from './client/settings.ts'
import { engineSettings } from './engine/settings.ts'
import { httpSettings } from './http/settings.ts'
import { logSettings } from './http/log-settings.ts'
import { localSettings } from './sandbox/local/settings.ts'

/** Every setting of every part, flat: a part takes what its own schema names. */
export const settingsSchema = z.strictObject({
  driver: z.enum(['local']).default('local').describe('What makes sandboxes.'),
  ...engineSettings.shape,
  ...httpSettings.shape,
  ...localSettings.shape,
  ...logSettings.shape,
  ...clientSettings.shape,
})

export type Settings = Readonly<z.output<typeof settingsSchema>>

/** Variables that are no settings: where the file is, and what proves to others who asks. */
const otherVariables = ['FORKYARD_CONFIG', 'FORKYARD_GIT_AUTHORIZATION', 'FORKYARD_API_KEY']

/** Settings from FORKYARD_* variables, else from forkyard.config.json, else the defaults; throws `settings_invalid`. */
export function settingsFromEnvironment(env: Readonly<Record<string, string | undefined>>): Settings {
  const fields = schemaFields(settingsSchema)
  const known = new Map(fields.map((field) => [variableOf(field.name), field]))
  const fromVariables: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('FORKYARD_') || text === undefined || otherVariables.includes(name)) continue
    const field = known.get(name)
    if (field === undefined) throw new AppError('settings_invalid', `Cannot read the settings: ${name} is not one`)
    fromVariables[field.name] = parseVariable(name, text, field)
  }
  const given = { ...readFile(env), ...fromVariables }
  return parseSettings('stateDir' in given ? given : { stateDir: defaultStateDir(env), ...given })
}

/** The strict parse that the library and the environment share. */
export function parseSettings(input: unknown): Settings {
  const parsed = settingsSchema.safeParse(input)
  if (parsed.success) return Object.freeze(parsed.data)
  const issues = parsed.error.issues.map(({ path, message }) => ({ setting: path.join('.'), problem: message }))
  const { setting = '', problem = '' } = issues[0] ?? {}
  const where = setting === '' ? '' : `${setting}: `
  throw new AppError('settings_invalid', `Cannot read the settings: ${where}${problem}`, { details: { issues } })
}

/** The name of a setting in the environment: `allowHosts` is FORKYARD_ALLOW_HOSTS. */
export function variableOf(name: string): string {
  return `FORKYARD_${kebabCase(name).replaceAll('-', '_').toUpperCase()}`
}

function parseVariable(name: string, text: string, { form }: SchemaField): unknown {
  if (form === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  if (form === 'text') return text
  if (form === 'number' && /^\d+(?:\.\d+)?$/.test(text)) return Number(text)
  if (form === 'boolean' && ['1', 'true', '0', 'false'].includes(text)) return text === '1' || text === 'true'
  throw new AppError('settings_invalid', `Cannot read the settings: ${name} is not a ${form}`)
}

/**
 * The file is named by FORKYARD_CONFIG or lies in the user's configuration folder. It is never taken from the current
 * folder: that may be somebody else's repository.
 */
function readFile(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const named = env['FORKYARD_CONFIG']
  const folder = env['XDG_CONFIG_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.config'))
  const path = named ?? (folder === undefined ? undefined : join(folder, 'forkyard', 'forkyard.config.json'))
  if (path === undefined) return {}
  if (named === undefined && !existsSync(path)) return {}
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new AppError('settings_invalid', `Cannot read the settings: ${path} is not a readable JSON object`, { cause })
  }
}

function defaultStateDir(env: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return '/var/lib/forkyard'
  const state = env['XDG_STATE_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.local', 'state'))
  if (state === undefined) throw new AppError('settings_invalid', 'Cannot choose a state directory: HOME is not set')
  return join(state, 'forkyard')
}
