import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { escapeLine, escapeText } from '../core/escape.ts'

/** Bytes in JSON without loss: a string, or base64 where they are not UTF-8. */
export type ExactText = string | { readonly base64: string }

export const exactText = z
  .union([z.string(), z.strictObject({ base64: z.string() })])
  .meta({ description: 'A string, or base64 where the bytes are not UTF-8.' })

/** Bytes as they appear in a value. */
export function toExactText(bytes: Uint8Array): ExactText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') }
}

/** The bytes behind a value. */
export function exactBytes(text: ExactText): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text.base64, 'base64')
}

/** For people, on one line: controls and bytes that are not UTF-8 are escaped. */
export function plainLine(text: ExactText): string {
  return typeof text === 'string' ? escapeLine(text) : escapeLine(visibleBytes(exactBytes(text)))
}

/** For people, newlines and tabs kept. */
export function plainText(text: ExactText): string {
  return typeof text === 'string' ? escapeText(text) : escapeText(visibleBytes(exactBytes(text)))
}

function visibleBytes(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
}
