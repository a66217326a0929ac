/** What every part may know: a file imports lower ranks or its own part only, parts of equal rank never meet. */
export const ranks: readonly (readonly string[])[] = [
  ['core'],
  ['git', 'sandbox', 'cache', 'directory', 'metrics'],
  ['workspace'],
  ['engine'],
  ['http', 'mcp', 'client', 'e2b-server', 'dashboard'],
  ['cli'],
  ['config.ts', 'compose.ts', 'compose-oversight.ts'],
  ['main.ts', 'index.ts'],
]

/** The only files that may start a process on the host. */
export const spawners: readonly string[] = [
  'src/sandbox/local/start-child.ts',
  'src/git/remote/git-program.ts',
  'src/git/probe-git.ts',
]

const maxLines = 250
const emptyNames = ['utils', 'util', 'helpers', 'helper', 'common', 'types', 'services', 'managers', 'misc']

const title = `(?:'[^']*'|\`[^\`]*\`|"[^"]*")`
/** A test marked as the only one or as none, by its name, its options or its context. */
const leftOut = new RegExp(
  String.raw`\b(?:test|it|describe|suite)(?:\.(?:only|skip|todo)\(|\(\s*${title},\s*\{[^}]*\b(?:only|skip|todo)\b)|\bt\.(?:skip|todo)\(`,
)

/** Path from the root of the project (with `/`) → text. */
export type Tree = ReadonlyMap<string, string>

/** Every way in which a tree breaks the rules, one sentence each. */
export function violations(tree: Tree): string[] {
  const graph = importGraph(tree)
  return [...tree]
    .flatMap(([path, text]) => fileViolations(path, text))
    .concat(
      [...graph].flatMap(([path, targets]) => targets.flatMap((target) => importViolations(path, target, tree))),
      cycles(graph),
    )
}

function fileViolations(path: string, text: string): string[] {
  const found: string[] = []
  const inSource = path.startsWith('src/')
  const lines = text.split('\n').length - 1
  if (lines > maxLines) found.push(`${path}: ${lines} lines, at most ${maxLines} are allowed`)
  for (const part of path.replace(/(\.test)?\.ts$/, '').split('/')) {
    if (emptyNames.includes(part)) found.push(`${path}: "${part}" names no thing of the glossary`)
  }
  if (inSource && partOf(path) === undefined) found.push(`${path}: belongs to no part of the ranks`)
  if (/^export default\b/m.test(text)) found.push(`${path}: has a default export`)
  if (/^\s*(?:export |declare |const )*enum\s+\w/m.test(text)) found.push(`${path}: has an enum`)
  if (inSource && path !== 'src/main.ts' && /\bprocess\.env\b/.test(code(text)))
    found.push(`${path}: reads process.env`)
  const mayPrint = !inSource || path === 'src/main.ts' || path.startsWith('src/cli/')
  if (!mayPrint && /\bconsole\.\w+\(|\bprocess\.(?:stdout|stderr)\.write\(/.test(code(text)))
    found.push(`${path}: prints`)
  if (inSource && !spawners.includes(path) && /^import (?!type ).*'(?:node:)?child_process'/m.test(text)) {
    found.push(`${path}: starts processes`)
  }
  if (!inSource && leftOut.test(code(text))) found.push(`${path}: leaves tests out`)
  return found
}

function importViolations(path: string, target: string, tree: Tree): string[] {
  if (!tree.has(target)) return [`${path}: imports ${target}, which does not exist`]
  if (!path.startsWith('src/')) return []
  if (!target.startsWith('src/')) return [`${path}: imports ${target} from outside of src/`]
  const from = partOf(path)
  const to = partOf(target)
  if (from === undefined || to === undefined) return []
  if (from.name !== to.name && from.rank <= to.rank) {
    return [`${path}: rank ${from.rank} may not import ${target} of rank ${to.rank}`]
  }
  const isConcreteDriver = /^src\/sandbox\/(?:local|e2b)\//.test(target)
  if (isConcreteDriver && from.name !== 'sandbox' && from.rank < 6) {
    return [`${path}: only the composition imports a concrete driver (${target})`]
  }
  return []
}

/** The folder below src/ a file belongs to; files of src/ itself that share a rank are one part. */
function partOf(path: string): { readonly name: string; readonly rank: number } | undefined {
  const name = path.split('/')[1] ?? ''
  const rank = ranks.findIndex((parts) => parts.includes(name))
  if (rank === -1) return undefined
  return { name: name.endsWith('.ts') ? `files of rank ${rank}` : name, rank }
}

/** Text without comments: what is only spoken of is not done. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

/** Relative imports of each file, dynamic ones and types included. */
function importGraph(tree: Tree): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const [path, text] of tree) {
    const specifiers = code(text).matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']*\.ts)'/g)
    const targets = [...specifiers].map(([, specifier]) =>
      new URL(specifier ?? '', `file:///${path}`).pathname.slice(1),
    )
    graph.set(path, [...new Set(targets)])
  }
  return graph
}

function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) found.push(`${[...trail.slice(start), path].join(' -> ')}: is a cycle`)
    if (start !== -1 || done.has(path)) return
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return found
}
