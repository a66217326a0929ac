import { z } from 'zod'
import type { Door } from '../door.ts'

const tags = ['service']

/** Whether the service lives, and what it can do. */
export function healthRoutes(door: Door): void {
  door.get(
    '/healthz',
    {
      schema: {
        summary: 'Whether the process answers.',
        tags,
        response: { 200: z.strictObject({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' }),
  )
  door.get(
    '/openapi.json',
    { schema: { summary: 'This description of the routes.', tags, response: { 200: z.looseObject({}) } } },
    async () => door.swagger(),
  )
}
