import { isUtf8 } from 'node:buffer'
import { AppError } from '../core/errors.ts'
import type { Door } from './door.ts'

const maxDepth = 64
/** Members and elements in all; an honest request has a list of some thousand paths. */
const maxParts = 100_000

/** Lets a door take JSON in UTF-8 of a bounded shape: what is built of a few megabytes of brackets holds up everybody for seconds. */
export function takeJson(door: Door): void {
  const parse = door.getDefaultJsonParser('error', 'error')
  door.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = Buffer.from(body)
    const fault = faultOf(bytes)
    if (fault === null) void parse(request, bytes.toString('utf8').replace(/^\ufeff/, ''), done)
    else done(malformed(fault))
  })
}

/** The same for a body that had to stay as it was at first; throws `input_invalid`. */
export function parseJson(bytes: Uint8Array): unknown {
  const fault = faultOf(bytes)
  if (fault !== null) throw malformed(fault)
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    // What is wrong with it would be told in its own words.
    throw malformed('its body is not JSON')
  }
}

function faultOf(bytes: Uint8Array): string | null {
  if (isIntricate(bytes)) return 'its body has too many parts, or too many within each other'
  return isUtf8(bytes) ? null : 'its body is not UTF-8'
}

/** Whether there is more structure in a text of JSON than any request has; what is not JSON is not looked at further. */
export function isIntricate(json: Uint8Array): boolean {
  let depth = 0
  let parts = 0
  let isInText = false
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (isInText) {
      if (byte === backslash) at += 1
      else if (byte === quote) isInText = false
    } else if (byte === quote) isInText = true
    else if (byte === comma) parts += 1
    else if (byte === bracket || byte === brace) {
      depth += 1
      parts += 1
    } else if (byte === bracketEnd || byte === braceEnd) depth -= 1
    if (depth > maxDepth || parts > maxParts) return true
  }
  return false
}

const [quote, backslash, comma, bracket, bracketEnd, brace, braceEnd] = Buffer.from('"\\,[]{}')

function malformed(fact: string): AppError {
  return new AppError('input_invalid', `Cannot understand the request: ${fact}`)
}
