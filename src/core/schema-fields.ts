import { z } from 'zod'

/** How a field's value is written as text: once, as a number, as yes or no, or several times. */
export type FieldForm = 'text' | 'number' | 'boolean' | 'list'

/** What a door needs to know of one field of a strict schema. */
export interface SchemaField {
  readonly name: string
  readonly form: FieldForm
  /** What the value means, in a word: `path`, `revision`; the form where nothing better is known. */
  readonly kind: string
  readonly description: string
  readonly isRequired: boolean
  /** `undefined` where there is none. */
  readonly standard: unknown
  /** The only values allowed; empty where the set is open. */
  readonly choices: readonly string[]
}

interface Node {
  readonly type?: string | readonly string[]
  readonly kind?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
}

/** The fields of a schema in the order of their declaration; flags, environment names and docs are derived from them. */
export function schemaFields(schema: z.ZodObject): readonly SchemaField[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  return Object.entries(properties).map(([name, node]) => {
    const form = formOf(node)
    return {
      name,
      form,
      kind: found(node, (each) => each.kind) ?? form,
      description: found(node, (each) => each.description) ?? '',
      isRequired: required.includes(name),
      standard: node.default,
      choices: (found(node, (each) => each.enum) ?? []).map(String),
    }
  })
}

/** `maxStalenessMs` as the words of a flag or a variable: `max-staleness-ms`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function formOf(node: Node): FieldForm {
  const types = [node, ...(node.anyOf ?? [])].flatMap(({ type = [] }) => type)
  if (types.includes('array')) return 'list'
  if (types.includes('boolean')) return 'boolean'
  if (types.includes('integer') || types.includes('number')) return 'number'
  return 'text'
}

/** The fact as the field itself or, through a union, one of its branches states it. */
function found<Fact>(node: Node, fact: (node: Node) => Fact | undefined): Fact | undefined {
  for (const each of [node, ...(node.anyOf ?? [])]) {
    const value = fact(each)
    if (value !== undefined) return value
  }
  return undefined
}
