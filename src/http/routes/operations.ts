import { z } from 'zod'
import { operations } from '../../git/registry.ts'
import { callerOptions } from '../caller.ts'
import { sendAnswer } from '../answer.ts'
import { mayBeRecords, sendRecords, wantsRecords } from '../records.ts'
import { answerOf } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'

/** A route for each operation on a repository, and one for what it would take. */
export function operationRoutes(door: Door, { engine, schemas, streamIdleMs }: ServiceParts): void {
  for (const operation of operations) {
    const { name, summary, output, example } = operation
    const body = schemas
      .operation(operation)
      .meta({ examples: [{ repo: 'https://example.com/team/project', ...example }] })
    door.post(
      `/v1/operations/${name}`,
      {
        schema: { summary, description: mayBeRecords, tags: ['operations'], body, response: { 200: answerOf(output) } },
      },
      async (request, reply) => {
        const form = wantsRecords(request)
        const options = callerOptions(request, reply)
        return form === null
          ? sendAnswer(reply, await engine.run(name, request.body, options))
          : sendRecords(reply, engine.stream(name, request.body, options), { form, silenceMs: streamIdleMs })
      },
    )
    door.post(
      `/v1/explain/${name}`,
      {
        schema: {
          summary: `What ${name} would do and cost; nothing is run.`,
          tags: ['operations'],
          body,
          response: { 200: z.strictObject({ value: z.unknown() }) },
        },
      },
      async (request, reply) =>
        reply.send({ value: await engine.explain(name, request.body, callerOptions(request, reply)) }),
    )
  }
}
