import assert from 'node:assert/strict'
import { after } from 'node:test'
import { describeEngine, fillForCases } from '../support/describe-engine.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(fillForCases)

after(() => assert.deepEqual(leftovers(ground.home), []))

describeEngine('an engine in this process', ground, async () => ground.engine)
