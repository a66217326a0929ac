import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeHome } from '../support/engine-home.ts'
import { workspaceStorm } from '../support/workspace-storm.ts'

const cycles = 300
const home = makeHome()

test(`${cycles} cycles of agents that are killed at work leave nothing behind, and nothing half pushed`, async (t) => {
  const { kills, done } = await workspaceStorm(home, { cycles, seed: 20_261_124, report: (text) => t.diagnostic(text) })
  assert(kills > cycles / 5, `only ${kills} were killed`)
  assert(done > cycles / 5, `only ${done} cycles came to their end`)
})
