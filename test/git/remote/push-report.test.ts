import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '../../../src/core/errors.ts'
import { readPackets } from '../../../src/git/remote/pkt-line.ts'
import { parseReport, readPushAnswer } from '../../../src/git/remote/push-report.ts'
import { band } from '../../support/git-server-push-faults.ts'
import { packet } from '../../support/git-server-wire.ts'

const ref = 'refs/heads/main'
/** Lines of the kind that reports are made of, right and wrong. */
const line = fc.oneof(
  fc.constantFrom('unpack ok', 'unpack', 'unpack ', `ok ${ref}`, `ng ${ref} no`, `ng ${ref}`, `ok ${ref} `, 'ok', ''),
  fc.string().map((text) => `unpack ${text}`),
  fc.string().map((text) => `ng ${ref} ${text}`),
  fc.string().map((text) => `ok ${text}`),
  fc.string(),
)

test('only the two lines that say so are good news, and every other report is a refusal or an error with a code', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const isGoodNews = lines.length === 2 && lines[0] === 'unpack ok' && lines[1] === `ok ${ref}`
      try {
        const report = parseReport(lines, ref)
        assert.equal(report.kind === 'moved', isGoodNews)
        if (report.kind !== 'moved') assert(lines.some((text) => text.endsWith(report.reason)))
        if (report.kind === 'refused') assert(lines[1]?.startsWith(`ng ${ref}`))
      } catch (error) {
        assert(hasCode(error, 'remote_invalid') && !isGoodNews)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a report is understood however it is cut into side bands and chunks, with what is said between', async () => {
  const report = `${packet('unpack ok\n')}${packet(`ng ${ref} hook declined\n`)}0000`
  const cuts = fc.array(fc.nat(30), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(cuts, cuts, async (bands, chunks) => {
      const words = bands.map((_, index) => `word ${index}\n`)
      const body = `${cut(report, bands)
        .map((part, index) => (part === '' ? '' : band(1, part)) + band(2, words[index] ?? ''))
        .join('')}0000`
      const packets = readPackets(from(cut(body, chunks)), { maxBytes: 100_000 })
      assert.deepEqual(await readPushAnswer(packets, { ref, hasSideBand: true }), {
        report: { kind: 'refused', reason: 'hook declined' },
        said: words.map((word) => word.trim()),
      })
    }),
  )
})

test('random bytes are no good news', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.boolean(), async (bytes, hasSideBand) => {
      const packets = readPackets(from([Buffer.from(bytes).toString('latin1')]), { maxBytes: 1000 })
      await assert.rejects(readPushAnswer(packets, { ref, hasSideBand }), (error) =>
        hasCode(error, 'remote_invalid', 'remote_failed', 'commit_not_found'),
      )
    }),
  )
})

/** A text in parts of these lengths, and what is left. */
function cut(text: string, sizes: readonly number[]): string[] {
  const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0))
  return [...ends, text.length].map((end, index) => text.slice(ends[index - 1] ?? 0, end))
}

async function* from(texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}
