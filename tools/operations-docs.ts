import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { schemaFields, type SchemaField } from '../src/core/schema-fields.ts'
import type { Operation } from '../src/git/operation.ts'
import { operations } from '../src/git/registry.ts'

/** docs/operations.md, made from the declarations. */
export function operationsDocs(): string {
  const rows = operations.map((operation) => {
    const { name, effect, summary } = operation
    return `| [\`${name}\`](#${name}) | ${effect} | ${placeOf(operation)} | ${summary} |`
  })
  const table = `| operation | effect | runs on | what it does |\n|--|--|--|--|\n${rows.join('\n')}\n`
  return `${introduction}\n${table}\n${operations.map(section).join('\n')}`
}

const introduction = `# Operations

Generated from the declarations by \`npm run operations-docs\`; do not edit. Every example is run by a test, in a workspace
that was opened of a small repository.

\`effect\` says what an operation may do: \`read\` changes nothing, \`write\` changes a workspace, \`remote\` talks to the
upstream. On a repository, without a workspace, run all reads, \`fetch\`, and \`push\` of a full commit id. Paths are strings,
or \`{"base64": …}\` where they are not UTF-8; an identity is \`{"name": …, "email": …, "date": …}\`, its date in ISO 8601 with
an offset, or left out for now. Fields without a default must be given.

As records (\`engine.stream\`, \`--stream\`, or over HTTP \`Accept: application/x-ndjson\` or \`text/event-stream\`) every operation
answers with \`start\`, \`progress\` while something is fetched, and \`end\` with value and receipt. Those that say so tell their
items one by one while git still runs; \`value\` then holds the rest. Without \`end\` a stream is not whole.
`

function placeOf(operation: Operation): string {
  if (operation.effect === 'read') return 'repository, workspace'
  if (operation.isOneShot === undefined) return 'workspace'
  const isAlways = operation.isOneShot(operation.input.parse(operation.example))
  return isAlways ? 'repository, workspace' : 'repository in part, workspace'
}

function section({ name, summary, input, output, items, example, exampleAfter = [] }: Operation): string {
  const fields = schemaFields(input)
  const before = exampleAfter.map(({ operation, input: given }) => call(operation, given))
  return [
    `## ${name}\n`,
    `${summary}\n`,
    ...(fields.length === 0 ? [] : ['| field | kind | default | meaning |', '|--|--|--|--|', ...fields.map(row), '']),
    `Answers with ${outputNames(output)}.${items === undefined ? '' : ` Streams \`${items.list}\` one by one.`}\n`,
    '```ts',
    ...before,
    call(name, example),
    '```\n',
  ].join('\n')
}

function row({ name, kind, isRequired, standard, choices, description }: SchemaField): string {
  const values = choices.length > 0 ? choices.map((choice) => `\`${choice}\``).join(', ') : kind
  const given = isRequired ? '' : `\`${JSON.stringify(standard ?? null)}\``
  return `| \`${name}\` | ${values} | ${given} | ${description.replaceAll('|', '\\|')} |`
}

/** The top-level names of a value, also where it may be one of several. */
function outputNames(output: z.ZodType): string {
  const { properties = {} } = z.toJSONSchema(output, { unrepresentable: 'any' }) as { properties?: object }
  return Object.keys(properties)
    .map((name) => `\`${name}\``)
    .join(', ')
}

function call(name: string, input: unknown): string {
  return `await workspace.run('${name}', ${literal(input)})`
}

/** A value as somebody would write it by hand. */
function literal(value: unknown): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll(`\\"`, '"').replaceAll("'", `\\'`)}'`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([name, each]) => `${name}: ${literal(each)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

if (import.meta.main) writeFileSync(new URL('../docs/operations.md', import.meta.url), operationsDocs())
