import { AppError } from '../../core/errors.ts'
import type { Remote, RemoteAuthorization } from './remote.ts'

const mask = '***'
/** Of what is shorter, every text holds some by chance, and nobody takes it for a secret. */
const minSecretLength = 4
/** Long texts are cut, maybe within a secret: so much of one, at an end, is told from chance. */
const minCutLength = 8

/** The remote, without its credential in whatever comes back: there are servers and hooks that show what they were sent. */
export function withoutEchoes(remote: Remote, authorization: RemoteAuthorization | null): Remote {
  if (authorization === null) return remote
  const quiet = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work
    } catch (error) {
      throw withoutSecrets(error, secretsOf(authorization))
    }
  }
  return {
    abilities: (options) => quiet(remote.abilities(options)),
    lsRefs: (options) => quiet(remote.lsRefs(options)),
    fetchPack: ({ onProgress, ...options }, use) => {
      const hidden = (text: string) => onProgress(hide(text, secretsOf(authorization)))
      return quiet(remote.fetchPack({ ...options, onProgress: hidden }, use))
    },
    push: async (options, makePack) => {
      const pushed = await quiet(remote.push(options, makePack))
      return { ...pushed, said: pushed.said.map((line) => hide(line, secretsOf(authorization))) }
    },
  }
}

/** The forms in which a credential is sent or written down, the longest first. */
function secretsOf(authorization: RemoteAuthorization): readonly string[] {
  const [scheme = '', encoded = ''] = authorization.header().split(' ', 2)
  const decoded = scheme.toLowerCase() === 'basic' ? Buffer.from(encoded, 'base64').toString('utf8') : ''
  const colon = decoded.indexOf(':')
  const [name, password] = [decoded.slice(0, Math.max(colon, 0)), decoded.slice(colon + 1)]
  // Some hosts take a token for the name, and anything or nothing beside it.
  const words = password === '' ? [name] : [password]
  return [encoded, decoded, ...words, ...words.map(encodeURIComponent)]
    .filter(({ length }) => length >= minSecretLength)
    .toSorted((a, b) => b.length - a.length)
}

/** The error itself where it holds none of these, else one that says the same without them. */
function withoutSecrets(error: unknown, secrets: readonly string[]): unknown {
  if (!(error instanceof Error)) return error
  const cause = withoutSecrets(error.cause, secrets)
  const message = hide(error.message, secrets)
  const isSame = cause === error.cause && message === error.message
  if (!(error instanceof AppError)) return isSame ? error : new Error(message, { cause })
  const details = hideIn(error.details, secrets) as AppError['details']
  return isSame && details === error.details ? error : new AppError(error.code, message, { details, cause })
}

/** The value itself where no text in it holds a secret. */
function hideIn(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return hide(value, secrets)
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => hideIn(item, secrets))
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value).map(([key, item]) => [key, item, hideIn(item, secrets)] as const)
  const isClean = entries.every(([, before, after]) => before === after)
  return isClean ? value : Object.fromEntries(entries.map(([key, , after]) => [key, after]))
}

function hide(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) shown = shown.replaceAll(secret, mask)
  for (const secret of secrets) {
    for (let length = secret.length - 1; length >= minCutLength; length--) {
      if (shown.endsWith(secret.slice(0, length))) shown = shown.slice(0, -length) + mask
      if (shown.startsWith(secret.slice(-length))) shown = mask + shown.slice(length)
    }
  }
  return shown
}
