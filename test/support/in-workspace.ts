import assert from 'node:assert/strict'
import { finish } from '../../src/core/exec.ts'
import type { Workspace } from '../../src/engine/contract.ts'

/** Runs a shell script in a workspace and returns what it printed; fails where the script does. */
export async function shell(workspace: Workspace, script: string): Promise<string> {
  const { running, receipt } = await workspace.exec({ argv: ['sh', '-c', script] })
  const { code, stdout, stderr } = await finish(running)
  assert.equal(code, 0, stderr.toString())
  await receipt
  return stdout.toString()
}
