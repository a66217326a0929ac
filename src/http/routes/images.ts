import { z } from 'zod'
import { answerRecords } from '../../engine/answer-records.ts'
import { sendAnswer } from '../answer.ts'
import { callerOptions } from '../caller.ts'
import { mayBeRecords, sendRecords, wantsRecords } from '../records.ts'
import { answerOf } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'

const tags = ['images']
const warmed = z.strictObject({ id: z.string(), commit: z.string(), bytes: z.int().nullable() })

/** Listing, warming and dropping images. */
export function imageRoutes(door: Door, { engine, schemas, streamIdleMs }: ServiceParts): void {
  door.get('/v1/images', { schema: { summary: 'The images that are kept.', tags } }, async () => ({
    value: await engine.images(),
  }))
  door.post(
    '/v1/images',
    {
      schema: {
        summary: 'Make the image for a ref ready.',
        description: mayBeRecords,
        tags,
        body: schemas.warm,
        response: { 201: answerOf(warmed) },
      },
    },
    async (request, reply) => {
      const form = wantsRecords(request)
      const options = callerOptions(request, reply)
      if (form === null) return sendAnswer(reply, await engine.warm(request.body, options), 201)
      const silence = { silenceMs: streamIdleMs }
      const records = answerRecords(options, silence, (more) => engine.warm(request.body, more))
      return sendRecords(reply, records, { form, ...silence })
    },
  )
  door.delete('/v1/images/:id', { schema: { summary: 'Remove an image.', tags } }, async (request, reply) => {
    await engine.drop((request.params as { readonly id: string }).id)
    return reply.code(204).send()
  })
}
