import { defineOperation } from '../operation.ts'
import { pickContents } from '../pick-contents.ts'
import { pickInput, pickNeeds, pickOutput, plainPick, runPick } from '../pick.ts'
import { given } from '../revision.ts'

export const cherryPick = defineOperation({
  name: 'cherry-pick',
  summary: 'Make the change of another commit here as well, or go on with a cherry-pick under way.',
  effect: 'write',
  input: pickInput,
  output: pickOutput,
  example: { revision: 'main' },
  exampleAfter: [{ operation: 'checkout', input: { ref: 'HEAD~1' } }],
  isPure: false,
  needs: pickNeeds,
  async blobs(git, { action, revision, mainline }, { signal }) {
    return action === 'start'
      ? pickContents(git, 'cherry-pick', { commit: given(revision, 'cherry-pick'), mainline, signal })
      : []
  },
  run: (git, input, { signal }) => runPick(git, 'cherry-pick', { input, signal }),
  plain: plainPick,
})
