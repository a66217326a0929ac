import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeHome } from '../support/engine-home.ts'
import { workspaceStorm } from '../support/workspace-storm.ts'

const home = makeHome()

// The long form is `npm run storm`.
test('agents that are killed at work leave nothing behind, and nothing half pushed', async (t) => {
  const { kills } = await workspaceStorm(home, { cycles: 6, seed: 7, report: (text) => t.diagnostic(text) })
  assert(kills > 0, `only ${kills} were killed`)
})
