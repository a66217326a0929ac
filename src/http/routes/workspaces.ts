import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { capturedExecution } from '../../engine/captured-execution.ts'
import type { Answer, Execution, RequestOptions, Workspace } from '../../engine/contract.ts'
import { answerRecords } from '../../engine/answer-records.ts'
import { operations } from '../../git/registry.ts'
import { sendAnswer } from '../answer.ts'
import { callerOptions } from '../caller.ts'
import { execRecords } from '../exec-records.ts'
import { mayBeRecords, sendRecords, wantsRecords } from '../records.ts'
import { answerOf } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'

const tags = ['workspaces']
const opened = z.strictObject({ id: z.string(), expiresAt: z.iso.datetime() })
const one = '/v1/workspaces/:id'

/** Opening, listing, using and closing workspaces. */
export function workspaceRoutes(door: Door, { engine, schemas, streamIdleMs }: ServiceParts): void {
  const silence = { silenceMs: streamIdleMs }
  const find = (request: FastifyRequest): Promise<Workspace> =>
    engine.workspace((request.params as { readonly id: string }).id)
  const briefly = ({ id, expiresAt }: Workspace) => ({ id, expiresAt })

  door.post(
    '/v1/workspaces',
    {
      schema: {
        summary: 'Open a workspace.',
        description: mayBeRecords,
        tags,
        body: schemas.open,
        response: { 201: answerOf(opened) },
      },
    },
    async (request, reply) => {
      const form = wantsRecords(request)
      const options = callerOptions(request, reply)
      const open = async (more: RequestOptions): Promise<Answer<{ id: string }>> => {
        const workspace = await engine.open(request.body, more)
        return { value: briefly(workspace), receipt: workspace.receipt }
      }
      if (form !== null) return sendRecords(reply, answerRecords(options, silence, open), { form, ...silence })
      const answer = await open(options)
      void reply.header('location', `/v1/workspaces/${answer.value.id}`)
      return sendAnswer(reply, answer, 201)
    },
  )
  door.get('/v1/workspaces', { schema: { summary: 'The workspaces that are open.', tags } }, async () => ({
    value: await engine.workspaces(),
  }))
  door.get(one, { schema: { summary: 'What a workspace is.', tags } }, async (request) => {
    const { id } = await find(request)
    return { value: (await engine.workspaces()).find((each) => each.id === id) }
  })
  door.delete(
    one,
    { schema: { summary: 'End a workspace and all that runs in it.', tags } },
    async (request, reply) => {
      await (await find(request)).close()
      return reply.code(204).send()
    },
  )
  door.post(
    `${one}/fork`,
    {
      schema: {
        summary: 'Copy a workspace with everything that was changed.',
        tags,
        body: schemas.fork,
        response: { 201: answerOf(z.array(opened)) },
      },
    },
    async (request, reply) => {
      const forks = await (await find(request)).fork(request.body ?? {}, callerOptions(request, reply))
      const [{ receipt }] = forks as [Workspace]
      return sendAnswer(reply, { value: forks.map(briefly), receipt }, 201)
    },
  )
  door.post(
    `${one}/extend`,
    {
      schema: {
        summary: 'Let a workspace live longer, or hold more.',
        tags,
        body: schemas.extend,
        response: { 200: answerOf(opened) },
      },
    },
    async (request, reply) =>
      sendAnswer(reply, await (await find(request)).extend(request.body, callerOptions(request, reply))),
  )
  door.post(
    `${one}/exec`,
    {
      schema: {
        summary: 'Run a program in a workspace.',
        description: mayBeRecords,
        tags,
        body: schemas.program,
      },
    },
    async (request, reply) => {
      const { input, stdin } = withoutStdin(request.body)
      const workspace = await find(request)
      const options = { ...callerOptions(request, reply), ...stdin }
      const form = wantsRecords(request)
      if (form === null) return sendAnswer(reply, await capturedExecution(await workspace.exec(input, options)))
      const start = ({ signal }: { signal: AbortSignal }): Promise<Execution> =>
        workspace.exec(input, { ...options, signal: AbortSignal.any([options.signal, signal]) })
      return sendRecords(reply, execRecords(start, silence), { form, ...silence })
    },
  )
  for (const operation of operations) {
    const { name, summary, output } = operation
    door.post(
      `${one}/operations/${name}`,
      {
        schema: {
          summary,
          description: mayBeRecords,
          tags,
          body: schemas.inWorkspace(operation),
          response: { 200: answerOf(output) },
        },
      },
      async (request, reply) => {
        const workspace = await find(request)
        const body = request.body ?? {}
        const form = wantsRecords(request)
        const options = callerOptions(request, reply)
        return form === null
          ? sendAnswer(reply, await workspace.run(name, body, options))
          : sendRecords(reply, workspace.stream(name, body, options), { form, ...silence })
      },
    )
  }
}

/** A program's input comes as text or as base64 beside its other fields. */
function withoutStdin(body: unknown) {
  if (typeof body !== 'object' || body === null || !('stdin' in body)) return { input: body, stdin: {} }
  const { stdin: text, ...input } = body
  const bytes = typeof text === 'string' ? Buffer.from(text) : bytesOf(text)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  return { input, stdin: { stdin: chunks() } }
}

function bytesOf(value: unknown): Buffer {
  const base64 = typeof value === 'object' && value !== null && 'base64' in value ? value.base64 : null
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  throw new AppError('input_invalid', 'Cannot run exec: stdin must be text or {"base64": …}')
}
