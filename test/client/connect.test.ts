import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Service } from '../../src/cli/doors.ts'
import { connect } from '../../src/client/connect.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'
import { describeEngine, fillForCases } from '../support/describe-engine.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(fillForCases)
let service: Service
let url: string

before(async () => {
  service = await composeService(parseSettings(ground.home.settings), {}, { version: '0.0.0' })
  url = await service.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await service.close()
  assert.deepEqual(leftovers(ground.home), [])
})

describeEngine('an engine over HTTP', ground, async () => connect(url))
