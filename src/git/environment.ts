/** What git sees of the outside, built from nothing; the sandbox's /etc/gitconfig stays in force. */
export function gitEnvironment(options: {
  readonly correlationId: string
  readonly config: Readonly<Record<string, string>>
}): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    // The other way to give a commit false parents; git complains of a file that is there, even if it is empty.
    GIT_GRAFT_FILE: '/nonexistent/grafts',
    GIT_LITERAL_PATHSPECS: '1',
    // A large index is a third faster in huge pages, where the place in which git runs has them.
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    GIT_PAGER: 'cat',
    GIT_EDITOR: ':',
    GIT_SEQUENCE_EDITOR: ':',
    GIT_TRACE2_PARENT_SID: options.correlationId,
    ...configEnvironment({ ...steadyOutput, ...options.config }),
  }
}

/**
 * Hides worktree, index and attribute files, so that an answer about commits depends on commits alone:
 * git finds no worktree, and its attributes would lie in the git directory, which has none.
 */
export function commitsOnlyEnvironment(gitDir: string): Record<string, string> {
  return { GIT_DIR: gitDir, GIT_IMPLICIT_WORK_TREE: '0', GIT_INDEX_FILE: `${gitDir}/forkyard-no-index` }
}

// A repository's own configuration must not change the shape of what is parsed.
const steadyOutput: Readonly<Record<string, string>> = {
  'core.quotePath': 'true',
  'color.ui': 'false',
  'log.follow': 'false',
  'log.mailmap': 'false',
  'log.showSignature': 'false',
  'log.showRoot': 'true',
  'i18n.logOutputEncoding': 'UTF-8',
  'submodule.recurse': 'false',
}

/** Configuration for one command, out of sight of argv. */
export function configEnvironment(config: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = {}
  const entries = Object.entries(config)
  for (const [index, [key, value]] of entries.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key
    env[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return { ...env, GIT_CONFIG_COUNT: `${entries.length}` }
}
