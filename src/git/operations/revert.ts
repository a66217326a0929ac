import { defineOperation } from '../operation.ts'
import { pickContents } from '../pick-contents.ts'
import { pickInput, pickNeeds, pickOutput, plainPick, runPick } from '../pick.ts'
import { given } from '../revision.ts'

export const revert = defineOperation({
  name: 'revert',
  summary: 'Make a commit that undoes another one, or go on with a revert under way.',
  effect: 'write',
  input: pickInput,
  output: pickOutput,
  example: { revision: 'HEAD' },
  isPure: false,
  needs: pickNeeds,
  async blobs(git, { action, revision, mainline }, { signal }) {
    return action === 'start'
      ? pickContents(git, 'revert', { commit: given(revision, 'revert'), mainline, signal })
      : []
  },
  run: (git, input, { signal }) => runPick(git, 'revert', { input, signal }),
  plain: plainPick,
})
