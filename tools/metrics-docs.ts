import { writeFileSync } from 'node:fs'
import { definitions } from '../src/metrics/definitions.ts'

/** docs/metrics.md, made from the definitions. */
export function metricsDocs(): string {
  const rows = Object.values(definitions).map(({ name, type, labels, help }) => {
    const said = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(' ')
    return `| \`${name}\` | ${type} | ${said} | ${help} |`
  })
  return `${introduction}\n| metric | type | labels | meaning |\n|--|--|--|--|\n${rows.join('\n')}\n`
}

const introduction = `# Metrics

Generated from the definitions by \`npm run metrics-docs\`; do not edit.

\`GET /metrics\` tells them with those of the process and its event loop (\`process_…\`, \`nodejs_…\`), and \`ops/prometheus.yml\`
scrapes them. A label says \`none\` where there is nothing to say and \`other\` where its value was not declared; \`repository\`
tells twenty apart, those asked most. An outcome is \`ok\`, \`refused\` (the caller's doing), \`failed\` (ours or the upstream's) or
\`canceled\`; which error it was stands in \`forkyard_failures_total\`.
`

if (import.meta.main) writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsDocs())
