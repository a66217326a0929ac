import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contest } from '../../src/cache/contest.ts'
import { used, type Use } from '../../src/cache/use.ts'
import { broken, lineOf, main } from '../../bench/simulate/lines.ts'
import {
  deployStorms,
  independent,
  movingWork,
  scans,
  sessions,
  workingDays,
  type Workload,
} from '../../bench/simulate/workloads.ts'

test('expected use is followed until recency has more hits, and again when it caught up', () => {
  const rivals = contest()
  const uses = new Map<string, Use>()
  let now = 0
  const ask = (key: string): void => {
    now += 1000
    const use = used(uses.get(key) ?? null, now)
    uses.set(key, use)
    rivals.used(key, use, 4)
  }
  const rounds = (keys: string, times: number) => {
    for (let round = 0; round < times; round += 1) for (const key of keys) ask(key)
  }
  rounds('abcd', 50)
  assert.equal(rivals.order, 'use')
  rounds('efgh', 3)
  assert.equal(rivals.order, 'recency')
  // A round of five is what recency never has a hit in.
  rounds('efghi', 100)
  assert.equal(rivals.order, 'use')
})

test('independent references have nearly the promised hits after a quarter of a day already', () => {
  const workload = independent(2000, 1, 5)
  const [tight, ample] = [lineOf(workload, 0.1), lineOf(workload, 0.4)]
  assert(tight.forkyard > 0.8 * tight.optimum && tight.forkyard > tight.lru + 0.05, JSON.stringify(tight))
  assert(ample.forkyard > 0.85 && ample.forkyard > 0.91 * ample.optimum, JSON.stringify(ample))
})

test('no workload has half a point fewer hits than with a plain policy, and none more than with the optimum', () => {
  const all: readonly [workload: Workload, shares: readonly number[]][] = [
    [workingDays(200, 1), [0.4]],
    [deployStorms(200, 6), [0.4]],
    [scans(200, 7), [0.4]],
    [sessions(200, 6, 1, 50_000), [0.1]],
    [sessions(200, 6, 0, 50_000), [0.1]],
    [movingWork(200, 6), [0.1, 0.2]],
  ]
  const measured = all.flatMap(([workload, shares]) => shares.map((share) => lineOf(workload, share)))
  assert.deepEqual(broken(measured), [])
  for (const line of measured) {
    assert(line.forkyard <= line.optimum && line.lru <= line.optimum && line.lruTtl <= line.lru, JSON.stringify(line))
  }
})

test('what is promised is found out where it does not hold', () => {
  const line = lineOf(sessions(20, 1, 1, 50_000), 0.4)
  assert.equal(broken([{ ...line, forkyard: line.lru - 0.006 }]).length, 1)
  const promised = { ...line, ...main, lru: 0.8, lruTtl: 0.8, optimum: 0.9 }
  assert.deepEqual(broken([{ ...promised, forkyard: 0.851 }]), [])
  assert.equal(broken([{ ...promised, forkyard: 0.849 }]).length, 1)
  assert.equal(broken([{ ...promised, forkyard: 0.851, optimum: 0.93 }]).length, 1)
})
