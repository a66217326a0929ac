interface Setting {
  readonly key: string
  readonly value: string
  readonly why: string
}

const settings: readonly Setting[] = [
  { key: 'user.name', value: 'forkyard', why: 'Commits without an author of their own bear this one.' },
  { key: 'user.email', value: 'forkyard@localhost', why: 'An address that reaches nobody.' },
  { key: 'init.defaultBranch', value: 'main', why: 'New repositories are alike, whatever git was built to prefer.' },
  { key: 'init.templateDir', value: '', why: 'No sample hooks: nothing that was not asked for is in a repository.' },
  { key: 'safe.directory', value: '*', why: 'Everything in a sandbox belongs to its one user, by whatever uid.' },

  { key: 'core.fsmonitor', value: '/etc/forkyard/fsmonitor', why: 'Status looks at what changed, not at every file.' },
  { key: 'core.fsmonitorHookVersion', value: '2', why: 'The hook speaks no other, and git need not try.' },
  { key: 'core.untrackedCache', value: 'true', why: 'Directories without changes are not read again.' },
  { key: 'index.version', value: '4', why: 'Paths are prefix-compressed: half the bytes to read for each command.' },

  { key: 'gc.auto', value: '0', why: 'A sandbox ends before garbage matters, and objects in layers never go.' },
  { key: 'gc.autoDetach', value: 'false', why: 'Nothing may outlive the command that started it.' },
  { key: 'maintenance.auto', value: 'false', why: 'No background work after fetch, merge or commit.' },
  { key: 'fetch.writeCommitGraph', value: 'false', why: 'It costs more than a short life gives back.' },

  { key: 'protocol.allow', value: 'never', why: 'Only what follows is spoken; no ext::, git:// or ssh.' },
  {
    key: 'protocol.file.allow',
    value: 'user',
    why: 'Clones inside of a sandbox are harmless, submodules by path are not.',
  },
  { key: 'http.followRedirects', value: 'false', why: 'A redirect could lead to an address that nobody checked.' },
  { key: 'transfer.bundleURI', value: 'false', why: 'A server may not send git to other addresses.' },
  { key: 'credential.helper', value: '', why: 'Credentials are in no sandbox; nothing is to look for them.' },

  { key: 'submodule.recurse', value: 'false', why: 'Submodules are shown, not followed.' },
  { key: 'fetch.recurseSubmodules', value: 'false', why: 'Nor are they fetched.' },

  { key: 'core.pager', value: 'cat', why: 'Nobody is there to turn pages.' },
  { key: 'core.editor', value: 'true', why: 'Nobody types: prepared messages are taken as they are.' },
  { key: 'sequence.editor', value: 'true', why: 'The same for the steps of a rebase.' },
  { key: 'color.ui', value: 'false', why: 'Programs read the output.' },
  { key: 'commit.gpgSign', value: 'false', why: 'No key is in a sandbox.' },
  { key: 'tag.gpgSign', value: 'false', why: 'The same for tags.' },
  { key: 'log.showSignature', value: 'false', why: 'Nor is there a key to check with.' },
  // No single switch turns advice off in every git from 2.39 on.
  ...[
    ...['detachedHead', 'statusHints', 'statusUoption', 'rmHints', 'addEmptyPathspec', 'addIgnoredFile'],
    ...['addEmbeddedRepo', 'resolveConflict', 'sequencerInUse', 'skippedCherryPicks', 'implicitIdentity'],
    ...['resetNoRefresh', 'commitBeforeMerge', 'pushUpdateRejected', 'fetchShowForcedUpdates', 'nestedTag'],
    ...[
      'suggestDetachingHead',
      'updateSparsePath',
      'waitingForEditor',
      'ignoredHook',
      'diverging',
      'forceDeleteBranch',
    ],
  ].map((name) => ({ key: `advice.${name}`, value: 'false', why: '' })),
]

/** The system-wide git configuration of every local sandbox, for its read-only /etc/gitconfig. */
export const templateGitconfig: string = settings.map(configLines).join('')

function configLines({ key, value, why }: Setting): string {
  const at = key.indexOf('.')
  const last = key.lastIndexOf('.')
  const section = at === last ? key.slice(0, at) : `${key.slice(0, at)} "${key.slice(at + 1, last)}"`
  const comment = why === '' ? '' : `# ${why}\n`
  return `${comment}[${section}]\n\t${key.slice(last + 1)} = "${value}"\n`
}
