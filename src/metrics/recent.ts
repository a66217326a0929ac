import { AppError, toProblem } from '../core/errors.ts'
import { redact } from '../core/redact.ts'
import { onSpan, type Phase, type Span } from '../core/spans.ts'

/** A request that is worth looking at: it failed, was slow, or is a sample. */
export interface NotableOperation {
  readonly at: string
  readonly correlationId: string
  readonly why: 'failed' | 'slow' | 'sample'
  readonly operation: string
  readonly tier: string | null
  readonly repo: string | null
  readonly tenant: string | null
  readonly ms: number
  readonly outcome: Span['outcome']
  /** What the caller was told; `null` where all went well. */
  readonly problem: string | null
  readonly phases: readonly Phase[]
  /** The runs of git that failed or took longest to come to an end. */
  readonly git: readonly GitRun[]
  /** The end of what git said. */
  readonly stderr: string | null
}

interface GitRun {
  readonly argv: readonly string[]
  readonly ms: number
  readonly outcome: Span['outcome']
}

/** The latest notable operations, the newest first; bounded. */
export interface Recent {
  /** Of one tenant; `null` for all. */
  list(tenant: string | null): readonly NotableOperation[]
  close(): void
}

export interface RecentSettings {
  readonly kept: number
  readonly slowMs: number
  /** One of so many that are neither slow nor failed. */
  readonly sample: number
  /** Called with each, while the request it belongs to is still the one being served. */
  readonly onNotable: (operation: NotableOperation) => void
}

export const recentDefaults = { kept: 200, slowMs: 1000, sample: 1000 } as const

/** Requests whose runs of git are remembered while they last, and how many of each. */
const MAX_UNDER_WAY = 1000
const MAX_RUNS = 8
/** A run that is quicker than this explains nothing. */
const RUN_MS = 50
const MAX_WORDS = 32
const MAX_WORD = 200

/** Looks at every operation that ends, and keeps those that are worth it. */
export function recentOperations({ kept, slowMs, sample, onNotable }: RecentSettings): Recent {
  const notable: NotableOperation[] = []
  const runs = new Map<string, GitRun[]>()
  let seen = 0

  function noteRun({ attributes, correlationId, ms, outcome }: Span): void {
    if (correlationId === undefined || (outcome === 'ok' && ms < RUN_MS)) return
    const known = runs.get(correlationId) ?? []
    if (known.length >= MAX_RUNS) return
    known.push({ argv: wordsOf(attributes), ms: rounded(ms), outcome })
    runs.set(correlationId, known)
    const [oldest] = runs.keys()
    if (runs.size > MAX_UNDER_WAY && oldest !== undefined) runs.delete(oldest)
  }

  function noteOperation(span: Span): void {
    const { correlationId = '' } = span
    const git = runs.get(correlationId) ?? []
    runs.delete(correlationId)
    seen += 1
    const why = span.outcome !== 'ok' ? 'failed' : span.ms > slowMs ? 'slow' : seen % sample === 1 ? 'sample' : null
    if (why === null) return
    const operation = notableOf(span, why, git)
    notable.unshift(operation)
    notable.splice(kept)
    onNotable(operation)
  }

  const close = onSpan((span) => {
    if (span.name === 'git') noteRun(span)
    if (span.name === 'operation') noteOperation(span)
  })
  return {
    list: (tenant) => notable.filter((each) => tenant === null || each.tenant === tenant),
    close,
  }
}

function notableOf(span: Span, why: NotableOperation['why'], git: readonly GitRun[]): NotableOperation {
  const { attributes, correlationId = '', ms, outcome, error } = span
  const { operation = '', tier = null, repo = null, tenant = null, phases } = attributes
  const stderr = error instanceof AppError ? error.details['stderr'] : undefined
  return {
    at: new Date().toISOString(),
    correlationId,
    why,
    operation,
    tier,
    repo,
    tenant,
    ms: rounded(ms),
    outcome,
    problem: error === undefined ? null : redact(toProblem(error).title),
    phases: phases?.() ?? [],
    git,
    stderr: typeof stderr === 'string' ? redact(stderr) : null,
  }
}

/** The words of a command as far as they explain anything; what is no text is shown by its length. */
function wordsOf({ argv }: Span['attributes']): readonly string[] {
  const words = argv?.().slice(0, MAX_WORDS) ?? []
  return words.map((word) => (typeof word === 'string' ? redact(word).slice(0, MAX_WORD) : `(${word.length} bytes)`))
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
