import { z } from 'zod'
import { sendOnce } from '../answer.ts'
import { callerOf } from '../caller.ts'
import { mayBeRecords } from '../records.ts'
import { answerOf, exampleRepo, imageSummary, valueOf, withExample } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'

const tags = ['images']
const warmed = z.strictObject({ id: z.string(), commit: z.string(), bytes: z.int().nullable() })

/** Listing, warming and dropping images. */
export function imageRoutes(door: Door, { engine, schemas, sending }: ServiceParts): void {
  door.get(
    '/v1/images',
    { schema: { summary: 'The images that are kept.', tags, response: { 200: valueOf(z.array(imageSummary)) } } },
    async (request) => ({ value: await engine.images(callerOf(request)) }),
  )
  door.post(
    '/v1/images',
    {
      schema: {
        summary: 'Make the image for a ref ready.',
        description: mayBeRecords,
        tags,
        body: withExample(schemas.warm, { repo: exampleRepo }),
        response: { 201: answerOf(warmed) },
      },
    },
    (request, reply) =>
      sendOnce(sending, request, reply, async (options) => ({
        ...(await engine.warm(request.body, options)),
        status: 201,
      })),
  )
  door.delete(
    '/v1/images/:id',
    {
      schema: { summary: 'Remove an image.', tags, params: z.object({ id: z.string() }), response: { 204: z.null() } },
    },
    async (request, reply) => {
      await engine.drop((request.params as { readonly id: string }).id, callerOf(request))
      return reply.code(204).send()
    },
  )
}
