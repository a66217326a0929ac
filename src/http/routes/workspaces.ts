import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import type { RequestOptions, Workspace } from '../../engine/contract.ts'
import { exactText } from '../../git/bytes.ts'
import { operations } from '../../git/registry.ts'
import { sendAnswer, sendOnce } from '../answer.ts'
import { callerOf, callerOptions } from '../caller.ts'
import { mayBeRecords, sendRecords, wantsRecords } from '../records.ts'
import { answerOf, exampleRepo, execution, valueOf, withExample, workspaceSummary } from '../schemas.ts'
import type { Door, ServiceParts } from '../door.ts'
import { sendExecution } from '../send-execution.ts'

const tags = ['workspaces']
const opened = z.strictObject({ id: z.string(), expiresAt: z.iso.datetime() })
const one = '/v1/workspaces/:id'
const params = z.object({ id: z.string() })

/** Opening, listing, using and closing workspaces. */
export function workspaceRoutes(door: Door, { engine, schemas, sending }: ServiceParts): void {
  const find = (request: FastifyRequest): Promise<Workspace> =>
    engine.workspace((request.params as { readonly id: string }).id, callerOf(request))
  const briefly = ({ id, expiresAt }: Workspace) => ({ id, expiresAt })

  door.post(
    '/v1/workspaces',
    {
      schema: {
        summary: 'Open a workspace.',
        description: mayBeRecords,
        tags,
        body: withExample(schemas.open, { repo: exampleRepo }),
        response: { 201: answerOf(opened) },
      },
    },
    (request, reply) =>
      sendOnce(sending, request, reply, async (options) => {
        const workspace = await engine.open(request.body, options)
        const location = `/v1/workspaces/${workspace.id}`
        return { value: briefly(workspace), receipt: workspace.receipt, status: 201, location }
      }),
  )
  door.get(
    '/v1/workspaces',
    {
      schema: {
        summary: 'The workspaces that are open.',
        tags,
        response: { 200: valueOf(z.array(workspaceSummary)) },
      },
    },
    async (request) => ({ value: await engine.workspaces(callerOf(request)) }),
  )
  door.get(
    one,
    { schema: { summary: 'What a workspace is.', tags, params, response: { 200: answerOf(workspaceSummary) } } },
    async (request) => {
      const { id, receipt } = await find(request)
      return { value: (await engine.workspaces(callerOf(request))).find((each) => each.id === id), receipt }
    },
  )
  door.delete(
    one,
    { schema: { summary: 'End a workspace and all that runs in it.', tags, params, response: { 204: z.null() } } },
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
        params,
        body: withExample(schemas.fork, { count: 2 }),
        response: { 201: answerOf(z.array(opened)) },
      },
    },
    (request, reply) =>
      sendOnce(sending, request, reply, async (options) => {
        const forks = await (await find(request)).fork(bodyOf(request), options)
        const [{ receipt }] = forks as [Workspace]
        return { value: forks.map(briefly), receipt, status: 201 }
      }),
  )
  door.post(
    `${one}/extend`,
    {
      schema: {
        summary: 'Let a workspace live longer, or hold more.',
        tags,
        params,
        body: withExample(schemas.extend, { ttlMs: 3_600_000 }),
        response: { 200: answerOf(opened) },
      },
    },
    (request, reply) =>
      sendOnce(sending, request, reply, async (options) => (await find(request)).extend(request.body, options)),
  )
  door.post(
    `${one}/exec`,
    {
      schema: {
        summary: 'Run a program in a workspace.',
        description: mayBeRecords,
        tags,
        params,
        body: withExample(schemas.program.extend({ stdin: exactText.optional() }), { argv: ['cat'], stdin: 'hello' }),
        response: { 200: answerOf(execution) },
      },
    },
    async (request, reply) => {
      const { input, stdin } = withoutStdin(request.body)
      const workspace = await find(request)
      const options = { ...callerOptions(request, reply), ...stdin }
      return sendExecution(sending, request, reply, ({ signal }) =>
        workspace.exec(input, { ...options, signal: AbortSignal.any([options.signal, signal]) }),
      )
    },
  )
  for (const operation of operations) {
    const { name, summary, output, effect, example } = operation
    const body = withExample(schemas.inWorkspace(operation), example)
    door.post(
      `${one}/operations/${name}`,
      { schema: { summary, description: mayBeRecords, tags, params, body, response: { 200: answerOf(output) } } },
      async (request, reply) => {
        const run = async (options: RequestOptions) => (await find(request)).run(name, bodyOf(request), options)
        if (effect !== 'read') return sendOnce(sending, request, reply, run)
        const options = callerOptions(request, reply)
        const form = wantsRecords(request)
        if (form === null) return sendAnswer(reply, await run(options))
        const records = (await find(request)).stream(name, bodyOf(request), options)
        return sendRecords(reply, records, { form, ...sending })
      },
    )
  }
}

/** No body is an empty one; the JSON value `null` is a wrong one. */
function bodyOf({ body }: FastifyRequest): unknown {
  return body === undefined ? {} : body
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
