/** What stands where a secret was. */
const HIDDEN = '[hidden]'

/** Names under which secrets are kept, wherever they stand: headers, fields, variables. */
const secretName =
  /authori[sz]ation|cookie|pass(?:word|wd|phrase)|secret|token|credential|api[-_]?key|private[-_]?key|signature/i

/** Secrets that look like what they are, each bounded so that hostile text costs little. */
const patterns: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, HIDDEN],
  // User and password of an address; git says them in some of its messages.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^/\s"'<>]{1,2000}@/gi, `$1${HIDDEN}@`],
  // Values of a query, not their names.
  [/([?&;][\w.~%+[\]-]{1,100}=)[^&;#\s"'<>]{1,8000}/g, `$1${HIDDEN}`],
  [/\b(basic|bearer|digest|negotiate)(\s{1,5})[\w.~+/=:-]{6,8000}/gi, `$1$2${HIDDEN}`],
  [/\b(token\s{1,5})(?=[^\s\d]{0,200}\d)[\w.~+/=:-]{12,8000}/gi, `$1${HIDDEN}`],
  [
    /((?:authori[sz]ation|cookie|pass(?:word|wd|phrase)|secret|token|api[-_]?key)["'\]]{0,3}\s{0,5}[:=]\s{0,5}["']?)[^\s"',;}&]{1,8000}/gi,
    `$1${HIDDEN}`,
  ],
  [
    /\b(?:gh[pousr]_|github_pat_|glpat-|gl[a-z]{2,6}-|xox[a-z]-|whsec_|npm_|hf_|sk-|AKIA|ASIA|AIza|ya29\.|ATATT|e2b_)[\w.=/+-]{8,500}/g,
    HIDDEN,
  ],
  [/\beyJ[\w-]{5,4000}\.[\w-]{2,4000}(?:\.[\w-]{0,4000})?/g, HIDDEN],
]

/** Longer text is cut: it is for people, and looking through it takes time. */
const MAX_LENGTH = 16_384

/** Text without what looks like a secret. */
export function redact(text: string): string {
  const whole = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return patterns.reduce((known, [pattern, instead]) => known.replace(pattern, instead), whole)
}

/** A JSON value without secrets: neither under a telling name nor inside any text. */
export function redactDeep(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((each, at) => (follows(value, at) ? HIDDEN : redactDeep(each)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [redact(name), isSecret(name, each) ? HIDDEN : redactDeep(each)]),
  )
}

function isSecret(name: string, value: unknown): boolean {
  return secretName.test(name) && value !== null && typeof value !== 'boolean' && typeof value !== 'number'
}

/** Headers as Node keeps them raw, and arguments, are lists in which a value comes after its name. */
function follows(list: readonly unknown[], at: number): boolean {
  const name = list[at - 1]
  return typeof name === 'string' && name.length <= 40 && /^-{0,2}[\w-]+$/.test(name) && secretName.test(name)
}
