import type { Door } from '../door.ts'

/** Whether the service lives, and what it can do. */
export function healthRoutes(door: Door): void {
  door.get('/healthz', { schema: { summary: 'Whether the process answers.', tags: ['service'] } }, async () => ({
    status: 'ok',
  }))
  door.get('/openapi.json', { schema: { hide: true } }, async () => door.swagger())
}
