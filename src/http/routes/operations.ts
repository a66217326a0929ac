import { operations } from '../../git/registry.ts'
import { callerOptions } from '../caller.ts'
import { sendAnswer, sendFixed, sendOnce } from '../answer.ts'
import { mayBeRecords, sendRecords, wantsRecords } from '../records.ts'
import { answerOf, exampleRepo, explanation, valueOf, withExample } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'

/** A route for each operation on a repository, and one for what it would take. */
export function operationRoutes(door: Door, { engine, schemas, sending }: ServiceParts): void {
  for (const operation of operations) {
    const { name, summary, output, example, effect, isPure } = operation
    const body = withExample(schemas.operation(operation), { repo: exampleRepo, ...example })
    door.post(
      `/v1/operations/${name}`,
      {
        schema: { summary, description: mayBeRecords, tags: ['operations'], body, response: { 200: answerOf(output) } },
      },
      async (request, reply) => {
        if (effect !== 'read')
          return sendOnce(sending, request, reply, (options) => engine.run(name, request.body, options))
        const options = callerOptions(request, reply)
        const form = wantsRecords(request)
        if (form !== null) return sendRecords(reply, engine.stream(name, request.body, options), { form, ...sending })
        const answer = await engine.run(name, request.body, options)
        return isPure ? sendFixed(request, reply, answer) : sendAnswer(reply, answer)
      },
    )
    door.post(
      `/v1/explain/${name}`,
      {
        schema: {
          summary: `What ${name} would do and cost; nothing is run.`,
          tags: ['operations'],
          body,
          response: { 200: valueOf(explanation) },
        },
      },
      async (request, reply) =>
        reply.send({ value: await engine.explain(name, request.body, callerOptions(request, reply)) }),
    )
  }
}
