import { spawn } from 'node:child_process'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { builtOnce, keyOf } from './built-once.ts'

/** What a path holds; a bare string or bytes is a regular file. */
export type Entry =
  | string
  | Uint8Array
  | { readonly executable: string | Uint8Array }
  | { readonly symlink: string | Uint8Array }
  | { readonly submodule: string }

/** Paths are strings, or bytes where they are not UTF-8. */
export type Files = Readonly<Record<string, Entry>> | ReadonlyArray<readonly [path: string | Uint8Array, entry: Entry]>

export interface Person {
  readonly name: string
  readonly email: string
}

export interface CommitSpec {
  readonly files?: Files
  readonly delete?: ReadonlyArray<string | Uint8Array>
  readonly message?: string | Uint8Array
  /** ISO date with any offset; by default each commit is a minute younger than the one before. */
  readonly date?: string
  readonly author?: Person
  readonly committer?: Person
  /** Branch that moves to the new commit. */
  readonly branch?: string
  /** Ids of the parents; by default the tip of `branch`. */
  readonly parents?: readonly string[]
}

export interface Repository {
  /** Working directory, or the git directory of a bare repository. */
  readonly dir: string
  /** Writes a commit straight into the object store (the worktree stays as it is) and returns its id. */
  readonly commit: (spec?: CommitSpec) => Promise<string>
  branch(name: string, at?: string): Promise<string>
  /** A tag; annotated where it has a message. Returns the id the ref holds. */
  tag(name: string, options?: { at?: string; message?: string; date?: string }): Promise<string>
  /** Merges `from` into a branch (default main) as git would, two parents always; throws on conflicts. */
  merge(from: string, spec?: Pick<CommitSpec, 'message' | 'date' | 'author' | 'branch'>): Promise<string>
  /** How much younger than the first commit the next one will be. */
  minutes(): number
  /** Makes index and worktree equal to HEAD. */
  checkout(): Promise<void>
  /** Runs git there and returns stdout without the last newline. */
  readonly git: (args: readonly string[], options?: GitOptions) => Promise<string>
  readonly gitBytes: (args: readonly string[], options?: GitOptions) => Promise<Buffer>
}

export interface GitOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly okExitCodes?: readonly number[]
}

/** Everything git sees in tests; nothing of the machine's own configuration or environment. */
export const hermeticEnv: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada Lovelace',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_AUTHOR_DATE: '1704067200 +0000',
  GIT_COMMITTER_NAME: 'Grace Hopper',
  GIT_COMMITTER_EMAIL: 'grace@example.com',
  GIT_COMMITTER_DATE: '1704067200 +0000',
}

const firstSecond = 1_704_067_200
const ada: Person = { name: 'Ada Lovelace', email: 'ada@example.com' }
const grace: Person = { name: 'Grace Hopper', email: 'grace@example.com' }

/** A new repository in `dir` (made if missing) with HEAD on an unborn `main`. */
export async function makeRepository(
  dir: string,
  { objectFormat = 'sha1', bare = false }: { objectFormat?: 'sha1' | 'sha256'; bare?: boolean } = {},
): Promise<Repository> {
  await mkdir(dir, { recursive: true })
  const init = ['init', '--quiet', `--object-format=${objectFormat}`, '--initial-branch=main', '--template=']
  const argv = bare ? [...init, '--bare'] : init
  await builtOnce(argv.join(' '), dir, () => hermeticGit(dir, argv))
  return openRepository(dir)
}

/** A new repository with what `build` puts in it; where the same was built before, a copy of that. */
export async function makeBuilt<T>(
  dir: string,
  options: Parameters<typeof makeRepository>[1],
  build: (repository: Repository) => Promise<T>,
): Promise<{ readonly repository: Repository; readonly value: T }> {
  const { value, minutes } = await builtOnce(`${keyOf(build)} ${JSON.stringify(options)}`, dir, async () => {
    const repository = await makeRepository(dir, options)
    return { value: await build(repository), minutes: repository.minutes() }
  })
  return { repository: openRepository(dir, minutes), value }
}

/** The same handle for a repository that exists already. */
export function openRepository(dir: string, minutes = 0): Repository {
  let count = minutes
  const gitBytes: Repository['gitBytes'] = (args, options) => hermeticGit(dir, args, options)
  const git: Repository['git'] = async (args, options) => (await gitBytes(args, options)).toString().replace(/\n$/, '')

  async function commit(spec: CommitSpec = {}, tree?: string): Promise<string> {
    const branch = `refs/heads/${spec.branch ?? 'main'}`
    const parents = spec.parents ?? (await tipOf(dir, branch))
    const when = rawDate(spec.date, firstSecond + 60 * count++)
    const { author = ada, committer = grace, message = `Commit ${count}\n` } = spec
    const lines = [
      line('feature done'),
      line(`commit ${branch}`),
      line('mark :1'),
      line(`author ${author.name} <${author.email}> ${when}`),
      line(`committer ${committer.name} <${committer.email}> ${when}`),
      data(message),
      ...parents.map((parent, index) => line(`${index === 0 ? 'from' : 'merge'} ${parent}`)),
      ...(tree === undefined ? [] : [line(`M 040000 ${tree} ""`)]),
      ...(spec.delete ?? []).map((path) => line(`D ${quote(path)}`)),
      ...pairs(spec.files ?? {}).flatMap(([path, entry]) => modify(quote(path), entry)),
      line('get-mark :1'),
      line('done'),
    ]
    return git(['fast-import', '--quiet', '--force', '--date-format=raw'], { input: Buffer.concat(lines) })
  }

  return {
    dir,
    git,
    gitBytes,
    minutes: () => count,
    commit: (spec) => commit(spec),
    async branch(name, at = 'HEAD') {
      await git(['update-ref', `refs/heads/${name}`, at])
      return git(['rev-parse', `refs/heads/${name}`])
    },
    async tag(name, { at = 'HEAD', message, date } = {}) {
      const env = { GIT_COMMITTER_DATE: rawDate(date, firstSecond + 60 * count++) }
      await git(message === undefined ? ['tag', name, at] : ['tag', '-a', '-m', message, name, at], { env })
      return git(['rev-parse', `refs/tags/${name}`])
    },
    async merge(from, spec = {}) {
      const parents = await Promise.all([
        git(['rev-parse', spec.branch ?? 'main']),
        git(['rev-parse', `${from}^{commit}`]),
      ])
      const tree = await git(['merge-tree', '--write-tree', ...parents])
      return commit({ message: `Merge ${from}\n`, ...spec, parents }, tree)
    },
    async checkout() {
      await git(['reset', '--quiet', '--hard'])
    },
  }
}

/** Runs the system's git in a directory with `hermeticEnv`; throws with git's words unless the exit code is expected. */
export function hermeticGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { input, env = {}, okExitCodes = [0] } = options
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, env: { ...hermeticEnv, ...env }, stdio: 'pipe' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== null && okExitCodes.includes(code)) resolve(Buffer.concat(out))
      else reject(new Error(`Cannot run git ${args.join(' ')}: exit code ${code}: ${Buffer.concat(err).toString()}`))
    })
    // A git that ends before it read its input is judged by its exit code alone.
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}

/** The commit of a ref, if it is there, without a process: repositories are built by the thousand. */
async function tipOf(dir: string, ref: string): Promise<readonly string[]> {
  const gitDir = await stat(`${dir}/.git`).then(
    () => `${dir}/.git`,
    () => dir,
  )
  const read = (name: string): Promise<string> => readFile(`${gitDir}/${name}`, 'utf8').catch(() => '')
  const loose = (await read(ref)).trim()
  if (loose !== '') return [loose]
  const packed = (await read('packed-refs')).split('\n').find((each) => each.endsWith(` ${ref}`))
  return packed === undefined ? [] : [packed.slice(0, packed.indexOf(' '))]
}

function modify(path: string, entry: Entry): Buffer[] {
  if (typeof entry === 'string' || entry instanceof Uint8Array) return [line(`M 100644 inline ${path}`), data(entry)]
  if ('executable' in entry) return [line(`M 100755 inline ${path}`), data(entry.executable)]
  if ('symlink' in entry) return [line(`M 120000 inline ${path}`), data(entry.symlink)]
  return [line(`M 160000 ${entry.submodule} ${path}`)]
}

function pairs(files: Files): ReadonlyArray<readonly [string | Uint8Array, Entry]> {
  return Array.isArray(files) ? files : Object.entries(files)
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`)
}

function data(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([line(`data ${bytes.length}`), bytes, line('')])
}

function quote(path: string | Uint8Array): string {
  const bytes = [...Buffer.from(path)]
  return `"${bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`
}

function rawDate(iso: string | undefined, fallback: number): string {
  if (iso === undefined) return `${fallback} +0000`
  const offset = /([+-]\d\d):?(\d\d)$/.exec(iso)
  return `${Date.parse(iso) / 1000} ${offset ? `${offset[1]}${offset[2]}` : '+0000'}`
}
