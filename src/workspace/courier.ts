import { AppError } from '../core/errors.ts'
import type { Running } from '../core/exec.ts'
import { progressReader } from '../core/progress.ts'
import { span } from '../core/spans.ts'
import { gitFailure } from '../git/failure.ts'
import { transferEnvironment, type TransferSource } from '../git/transfer-environment.ts'
import { correlationId } from '../core/correlation.ts'
import type { Sandbox, SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import { checkArgv, withToleratedFlaws, type ObjectCheck } from './object-check.ts'
import { start, unpack, unpackHistory, withSandbox, WORKSPACE } from './place.ts'
import { blankRepository } from './repository-files.ts'
import { tarEnd, tarEntries } from './tar.ts'
import type { BringOptions, Brought, Upstream, Wish } from './upstream.ts'

export interface CourierSettings {
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
  /** Seconds of near silence after which a transfer is given up. */
  readonly idleSeconds: number
  readonly source: TransferSource
  /** Canonical address, which the image remembers. */
  readonly url: string
  readonly objectFormat: 'sha1' | 'sha256'
}

/**
 * A courier's whole errand in one program: take in what is ours, fetch, hand out packs and boundary as tar.
 * Fixed text; what varies are its positional parameters. Only packs and the shallow file leave a courier, because
 * anything else in its repository might be the server's doing.
 */
const ERRAND = `
check=$1; shift
tar -xf - --no-same-owner || exit
if [ "$check" = 'at once' ]; then
  git fetch "$@" --stdin courier <.git/wants >&2 || exit
else
  git -c transfer.fsckObjects=false fetch "$@" --stdin courier <.git/wants >&2 || exit
  ${checkArgv.join(' ')} >&2 || { echo 'fatal: fsck error' >&2; exit 128; }
fi
[ -e .git/shallow ] && shallow=.git/shallow || shallow=
exec tar -cf - --exclude='tmp_*' --transform='s,^.git/incoming,.git/objects,' $shallow .git/incoming
`

/** A server as upstream: each fetch runs in a sandbox of its own that has network and one credential, and nothing else. */
export function courierUpstream(settings: CourierSettings): Upstream {
  const { driver, url, objectFormat } = settings
  return {
    url,
    objectFormat,
    bring: (wish, builder, options) =>
      span('fetch', { driver: driver.name }, () =>
        withToleratedFlaws((check) => sendCourier(settings, { wish, check, builder }, options)),
      ),
  }
}

interface Errand {
  readonly wish: Wish
  readonly check: ObjectCheck
  readonly builder: Promise<Sandbox>
}

function sendCourier(
  settings: CourierSettings,
  { wish, check, builder }: Errand,
  options: BringOptions,
): Promise<Brought> {
  const { driver, limits } = settings
  return withSandbox(
    driver,
    { image: wish.base?.image ?? null, upper: 'disk', network: 'host', limits, metadata: { role: 'courier' } },
    async (courier) => {
      // First somebody to receive: what a program says before anyone listens is lost when it ends.
      const receiver = await builder
      const errand = watch(
        start(courier, ['/bin/sh', '-c', ERRAND, 'errand', check, ...fetchFlags(wish)], {
          ...options,
          env: fetchEnvironment(settings, wish),
          stdin: luggage(wish),
        }),
        options,
      )
      const repository = wish.base === null ? blankRepository(wish.state) : []
      const isWhole =
        wish.depth === 'exact'
          ? await unpack(receiver, repository, errand.archive, options).then(() => false)
          : await unpackHistory(receiver, repository, errand.archive, options)
      await errand.check()
      return { bytes: errand.bytes(), isWhole }
    },
    options,
  )
}

/** What goes in: the ids to ask for, and to a blank sandbox a repository. */
async function* luggage({ base, state, wants }: Wish): AsyncGenerator<Uint8Array> {
  const repository = base === null ? blankRepository({ ...state, tips: [] }) : []
  yield tarEntries([...repository, { path: '.git/wants', content: wants.map((oid) => `${oid}\n`).join('') }])
  yield tarEnd
}

/** As `--unshallow`, which fails where nothing was cut off. */
const EVERYTHING = '--depth=2147483647'

function fetchFlags({ base, depth, filter }: Wish): string[] {
  const deepen =
    depth === 'exact' ? [] : depth !== 'full' ? [`--depth=${depth}`] : base?.isShallow === true ? [EVERYTHING] : []
  const narrow = filter === 'none' ? ['--no-filter'] : [`--filter=${filter}`]
  return [
    '--progress',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--refmap=',
    ...deepen,
    ...narrow,
  ]
}

function fetchEnvironment({ source, idleSeconds }: CourierSettings, { depth }: Wish): Record<string, string> {
  return {
    // Objects that are asked for one by one have no history to negotiate about.
    ...transferEnvironment({
      correlationId: correlationId() ?? '',
      source,
      idleSeconds,
      negotiation: depth === 'exact' ? 'noop' : 'default',
    }),
    GIT_DIR: `${WORKSPACE}/.git`,
    GIT_OBJECT_DIRECTORY: `${WORKSPACE}/.git/incoming`,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `${WORKSPACE}/.git/objects`,
  }
}

/** Passes the archive on and keeps what git says; the archive breaks off with git's failure, never quietly. */
function watch(running: Running, { onProgress }: BringOptions) {
  let bytes = 0
  let said = ''
  const read = progressReader(onProgress)
  const listening = (async () => {
    for await (const chunk of running.stderr) {
      const text = Buffer.from(chunk).toString('utf8')
      read(text)
      said = (said + text).slice(-16_384)
    }
  })()
  // Whoever reads the archive learns of a failure there first.
  listening.catch(() => {})

  async function check(): Promise<void> {
    const [{ code }] = await Promise.all([running.exit, listening])
    if (code !== 0) throw gitFailure({ subcommand: 'fetch', exitCode: code, stderr: lines(said) })
  }

  async function* archive(): AsyncGenerator<Uint8Array> {
    for await (const chunk of running.stdout) {
      bytes += chunk.length
      yield chunk
    }
    await check()
    if (bytes === 0) throw new AppError('remote_failed', 'Cannot fetch: the courier came back with nothing')
  }

  return { archive: archive(), check, bytes: () => bytes }
}

/** Without progress lines, which may fill all that is kept. */
function lines(said: string): string {
  return said
    .split(/[\r\n]+/)
    .filter((line) => !/\d+% \(\d+\/\d+\)|^(remote: )?[A-Z][a-z ]+: \d+/.test(line))
    .join('\n')
}
