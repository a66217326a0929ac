import { callerOptions } from '../caller.ts'
import type { Door, ServiceParts } from '../door.ts'
import { mayBeRecords } from '../records.ts'
import { answerOf, execution, exampleRepo, withExample } from '../schemas.ts'
import { sendExecution } from '../send-execution.ts'

/** A program in a throw-away fork of a repository. */
export function programRoutes(door: Door, { engine, schemas, sending }: ServiceParts): void {
  const body = withExample(schemas.exec, { repo: exampleRepo, argv: ['git', 'status', '--short'] })
  door.post(
    '/v1/exec',
    {
      schema: {
        summary: 'Run a program in a throw-away fork.',
        description: mayBeRecords,
        tags: ['operations'],
        body,
        response: { 200: answerOf(execution) },
      },
    },
    (request, reply) => {
      const options = callerOptions(request, reply)
      return sendExecution(sending, request, reply, ({ signal }) =>
        engine.exec(request.body, { ...options, signal: AbortSignal.any([options.signal, signal]) }),
      )
    },
  )
}
