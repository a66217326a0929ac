import { InvalidArgumentError, Option, type Command } from 'commander'
import { kebabCase, schemaFields, type SchemaField } from '../core/schema-fields.ts'
import type { Operation } from '../git/operation.ts'

/** The flags of requests that use a working copy; the same words as the common fields of the library. */
export const commonFields: readonly SchemaField[] = [
  field('ref', 'text', 'ref', 'HEAD, a branch, a tag, a full ref name or a full commit id.', 'HEAD'),
  field('maxStalenessMs', 'number', 'ms', 'How old the knowledge of the ref may be; 0 asks the remote.'),
  field('deadlineMs', 'number', 'ms', 'Time after which the request is ended.'),
]

/** The flags of an operation; where it has a field of a common one's name, as `checkout` has `ref`, its own stands. */
export function operationFields(operation: Operation): readonly SchemaField[] {
  const own = schemaFields(operation.input)
  return [...own, ...commonFields.filter(({ name }) => own.every((field) => field.name !== name))]
}

/** Adds one flag per field, in kebab case. */
export function addFlags(command: Command, fields: readonly SchemaField[]): Command {
  for (const each of fields) command.addOption(optionOf(each))
  return command
}

/** The values a caller has given, by field name; defaults stay with the schema. */
export function givenValues(command: Command, fields: readonly SchemaField[]): Record<string, unknown> {
  const options: Record<string, unknown> = command.opts()
  const given = fields.filter(({ name }) => command.getOptionValueSource(name) === 'cli')
  return Object.fromEntries(given.map(({ name }) => [name, options[name]]))
}

/** An input as the flags that would give it. */
export function flagsOf(input: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(input).flatMap(([name, value]) => {
    const flag = kebabCase(name)
    if (value === undefined || value === null || value === '') return []
    if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`]
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.map((each) => `--${flag}=${shellWord(String(each))}`)
  })
}

function optionOf({ name, form, kind, description, isRequired, standard, choices }: SchemaField): Option {
  const flag = kebabCase(name)
  const isShown = typeof standard === 'string' || typeof standard === 'number'
  const text = isShown ? `${description} (default: ${standard})` : description
  if (form === 'boolean') return new Option(standard === true ? `--no-${flag}` : `--${flag}`, text)
  const option = new Option(`--${flag} <${form === 'list' ? kind.replace(/s$/, '') : kind}>`, text)
  if (choices.length > 0) option.choices(choices)
  if (form === 'number') option.argParser(parseNumber)
  if (form === 'list') option.argParser((value, previous?: readonly string[]) => [...(previous ?? []), value])
  return option.makeOptionMandatory(isRequired)
}

function parseNumber(text: string): number {
  if (!/^-?\d+(?:\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is not a number.')
  return Number(text)
}

function shellWord(text: string): string {
  return /^[\w./:~^@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function field(
  name: string,
  form: SchemaField['form'],
  kind: string,
  description: string,
  standard?: string,
): SchemaField {
  return { name, form, kind, description, isRequired: false, standard, choices: [] }
}
