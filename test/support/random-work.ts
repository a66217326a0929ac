import fc from 'fast-check'

/** A line of shell that does something a person or a program might do in a working copy; it may fail. */
export type Work = string

// Bytes, in latin1.
const files = ['a', 'b.o', 'd/a', 'd/b.o', 'd/s/a', 'd/s/b', 'e/a', 'e/git~1', 'new\nline', 'd/\xff\xfe', 'f/g/h/a']
const directories = ['d', 'd/s', 'e', 'f', 'f/g', 'f/g/h', 'new\ndir', 'd/\xfe']
const ignoreFiles = ['.gitignore', 'd/.gitignore', 'f/g/.gitignore', '.git/info/exclude']
const patterns = ['*.o', 'a', '/d/', 's', '!a', '!*.o', 'd/s/', 'h/', '']

/** What one run plays with: so few names that the same ones are met again and again. */
interface Toys {
  readonly file: fc.Arbitrary<string>
  readonly directory: fc.Arbitrary<string>
  readonly anything: fc.Arbitrary<string>
}

const toys: fc.Arbitrary<Toys> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...files, ...directories.map((name) => `${name}/n`)), {
      minLength: 1,
      maxLength: 2,
    }),
    fc.uniqueArray(fc.constantFrom(...directories), { minLength: 1, maxLength: 2 }),
  )
  .map(([chosenFiles, chosenDirectories]) => {
    const [file, directory] = [fc.constantFrom(...chosenFiles), fc.constantFrom(...chosenDirectories)]
    return { file, directory, anything: fc.oneof({ arbitrary: file, weight: 2 }, directory) }
  })

const content = fc.constantFrom('0', '1', '2', 'longer')

function edits({ file, directory, anything }: Toys): fc.Arbitrary<Work> {
  const write = (path: string, text: string): Work => `mkdir -p ${parent(path)}; echo ${text} > ${quote(path)}`
  return fc.oneof(
    { arbitrary: fc.tuple(file, content).map(([path, text]) => write(path, text)), weight: 4 },
    { arbitrary: anything.map((path) => `rm -rf ${quote(path)}`), weight: 4 },
    fc.tuple(anything, anything).map(([from, to]) => `mkdir -p ${parent(to)}; mv -T ${quote(from)} ${quote(to)}`),
    fc.tuple(file, fc.constantFrom('+x', '-x')).map(([path, mode]) => `chmod ${mode} ${quote(path)}`),
    fc.tuple(anything, anything).map(([path, to]) => `rm -rf ${quote(path)}; ln -s ${quote(to)} ${quote(path)}`),
    fc.tuple(directory, content).map(([path, text]) => `rm -rf ${quote(path)}; ${write(path, text)}`),
    fc.tuple(anything, content).map(([path, text]) => `rm -rf ${quote(path)}; ${write(`${path}/a`, text)}`),
    directory.map(
      (path) => `cp -a ${quote(path)} /tmp/k; rm -rf ${quote(path)}; cp -a /tmp/k ${quote(path)}; rm -rf /tmp/k`,
    ),
    fc
      .tuple(fc.constantFrom(...ignoreFiles), fc.constantFrom(...patterns))
      .map(([path, line]) => write(path, quote(line))),
    fc.constantFrom(...ignoreFiles).map((path) => `rm -f ${quote(path)}`),
    directory.map((path) => `git init -q ${quote(path)}/inner`),
  )
}

function stages({ anything }: Toys): fc.Arbitrary<Work> {
  const onPath = fc.constantFrom(
    ...['add -f', 'add -f', 'add -N', 'rm -rfq --cached', 'rm -rfq', 'reset -q', 'checkout -q', 'checkout -q HEAD~1'],
    ...['commit -qm only -o', 'update-index --add --remove'],
  )
  return fc.oneof(
    fc.tuple(onPath, anything).map(([command, path]) => `git ${command} -- ${quote(path)}`),
    fc.tuple(anything, anything).map(([from, to]) => `git mv -f ${quote(from)} ${quote(to)}`),
    fc.constantFrom(
      ...['git add -A', 'git add -A', 'git add -u', 'git commit -qm staged', 'git commit -qam all', 'git reset -q'],
      ...['git reset -q --hard', 'git reset -q --soft HEAD~1', 'git checkout -q -f --detach HEAD~1', 'git stash -q -u'],
      ...[
        'git stash -q',
        'git stash pop -q',
        'git clean -fdq',
        'git clean -ffdxq',
        'git merge -q side',
        'git rm -rq .',
      ],
      ...['git read-tree HEAD', 'git read-tree --empty', 'rm -f .git/index', 'git update-index -q --refresh'],
      ...['git update-index --really-refresh', 'git update-index --split-index', 'git sparse-checkout set --cone d/s'],
      ...['git sparse-checkout disable'],
    ),
  )
}

const looks: fc.Arbitrary<Work> = fc.constantFrom(
  ...['git status', 'git status', 'git status', 'git status -uall', 'GIT_OPTIONAL_LOCKS=0 git status', 'git diff HEAD'],
  ...['git -c core.fsmonitor=false status', 'git -c core.untrackedCache=false status', 'git ls-files -m -o'],
  ...['git config status.showUntrackedFiles all', 'git config --unset status.showUntrackedFiles'],
  ...['cp .git/index /tmp/other', 'GIT_INDEX_FILE=/tmp/other git add -A', 'GIT_INDEX_FILE=/tmp/other git status'],
  ...['cp /tmp/other .git/index', 'git -C d status', 'git --git-dir=/workspace/.git --work-tree=/workspace status'],
)

/** A sequence of edits, of git commands that change the index or the files, and of others that only look. */
export const work: fc.Arbitrary<readonly Work[]> = toys.chain((chosen) => {
  // What git writes into the index on looking must not blind it later: most changes are looked at soon.
  const changes = fc.oneof(edits(chosen), stages(chosen))
  const seen = fc.tuple(changes, fc.constantFrom('', 'git status', 'git add -A; git status'))
  const line = fc.oneof({ arbitrary: seen.map((both) => both.join('; ')), weight: 4 }, { arbitrary: looks, weight: 1 })
  return fc.array(line, { minLength: 3, maxLength: 6, size: 'max' })
})

/** The script that does the work and after each line compares status by the hook with status without; 1 if they differ. */
export function comparedWork(lines: readonly Work[]): Buffer {
  const steps = lines.map((line, at) => {
    const shown = at === lines.length - 1 ? 'all normal' : at % 2 === 0 ? 'normal' : 'all'
    return `{ ${line}\n} >/dev/null 2>&1 </dev/null\ncompare ${at} ${shown}\n`
  })
  return Buffer.from(compare + steps.join(''), 'latin1')
}

const compare = `export GIT_AUTHOR_DATE='1704067200 +0000' GIT_COMMITTER_DATE='1704067200 +0000'
compare() {
  step=$1; shift
  for shown; do
    status="status --porcelain=v2 -z --untracked-files=$shown"
    GIT_OPTIONAL_LOCKS=0 git $status > /tmp/hooked 2>&1
    GIT_OPTIONAL_LOCKS=0 git -c core.fsmonitor=false -c core.untrackedCache=false $status > /tmp/plain 2>&1
    cmp -s /tmp/hooked /tmp/plain && continue
    echo "after step $step with the hook:"; tr '\\0' '\\n' < /tmp/hooked
    echo "without:"; tr '\\0' '\\n' < /tmp/plain
    exit 1
  done
}
`

function parent(path: string): string {
  return path.includes('/') ? quote(path.slice(0, path.lastIndexOf('/'))) : '.'
}

function quote(text: string): string {
  return `'${text}'`
}
