import { writeFileSync } from 'node:fs'
import { settingsSchema, variableOf } from '../src/config.ts'
import { schemaFields, type SchemaField } from '../src/core/schema-fields.ts'

/** docs/config.md, made from the schemas. */
export function configDocs(): string {
  const rows = schemaFields(settingsSchema).map(rowOf)
  return `${introduction}\n| setting | variable | kind | default | meaning |\n|--|--|--|--|--|\n${rows.join('\n')}\n`
}

const introduction = `# Settings

Generated from the schemas by \`npm run config-docs\`; do not edit.

A setting is taken from its variable in the environment, else from the settings file, else it has its default. The file
is a JSON object of settings. FORKYARD_CONFIG names it; without that it is \`forkyard/forkyard.config.json\` in
$XDG_CONFIG_HOME or ~/.config. It is never looked for in the current folder, which may be somebody else's repository.
Lists are separated by commas in variables. An unknown setting or FORKYARD_ variable is an error.

FORKYARD_GIT_AUTHORIZATION is no setting: it holds the value of an Authorization header (\`Basic …\`) for the upstream of
one command. FORKYARD_API_KEY is none either: the key that commands show to a service.
`

function rowOf({ name, form, description, isRequired, standard, choices }: SchemaField): string {
  const kind = choices.length > 0 ? choices.map((choice) => `\`${choice}\``).join(' or ') : form
  return `| \`${name}\` | ${variableOf(name)} | ${kind} | ${isRequired ? 'see right' : `\`${JSON.stringify(standard)}\``} | ${description} |`
}

if (import.meta.main) writeFileSync(new URL('../docs/config.md', import.meta.url), configDocs())
