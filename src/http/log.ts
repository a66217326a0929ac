import type { Writable } from 'node:stream'
import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino'
import { correlationId } from '../core/correlation.ts'
import { redact, redactDeep } from '../core/redact.ts'

/** One line of JSON for each thing worth telling; whatever is logged, secrets are taken out where it leaves. */
export function serviceLog({ level, to }: { readonly level: string; readonly to: Pick<Writable, 'write'> }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ correlationId: correlationId() }),
      // Of two fields of one name the later is read; who logs may know the id better than its surroundings do.
      mixinMergeStrategy: (own, surroundings) => ({ ...surroundings, ...own }),
      serializers: { err: stdSerializers.errWithCause },
    },
    { write: (line: string) => void to.write(withoutSecrets(line)) },
  )
}

function withoutSecrets(line: string): string {
  return `${harmless(redacted(line))}\n`
}

function redacted(line: string): string {
  try {
    return JSON.stringify(redactDeep(JSON.parse(line)))
  } catch {
    // What is no JSON is still looked through.
    return redact(line.trimEnd())
  }
}

/** Signs that move other signs about or end lines somewhere; those below space are escaped already. */
function harmless(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
