import { callerOptions } from '../caller.ts'
import type { Door, ServiceParts } from '../door.ts'
import { sendExecution } from '../send-execution.ts'

/** A program in a throw-away fork of a repository. */
export function programRoutes(door: Door, { engine, schemas, sending }: ServiceParts): void {
  const body = schemas.exec.meta({
    examples: [{ repo: 'https://example.com/team/project', argv: ['git', 'status', '--short'] }],
  })
  door.post(
    '/v1/exec',
    {
      schema: {
        summary:
          'Run a program in a throw-away fork; with Accept: application/x-ndjson or text/event-stream as it goes.',
        tags: ['operations'],
        body,
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
