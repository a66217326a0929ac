import { AppError, hasCode } from '../../core/errors.ts'
import { readAdvertisement } from './advertisement.ts'
import { fetchRequest, readFetchHead } from './fetch-pack.ts'
import { pushToPath } from './local-push.ts'
import { lsRefsRequest, readRefs } from './ls-refs.ts'
import type { GitProgram } from './git-program.ts'
import { demultiplex, flushPacket, readPackets, type Packet } from './pkt-line.ts'
import type { Remote, RemoteAbilities } from './remote.ts'
import type { LocalRepo } from './repo-url.ts'
import { startUploadPack } from './upload-pack.ts'

/** Far above any honest list of refs; packs are bounded by whoever stores them. */
const maxRefsBytes = 256 * 1024 * 1024

interface Conversation {
  readonly program: GitProgram
  readonly packets: AsyncGenerator<Packet, void, void>
  readonly abilities: RemoteAbilities
}

/** Reads a repository by the caller's own `git upload-pack`; the files are never touched by us. */
export function localRemote({ path }: LocalRepo): Remote {
  async function begin(signal: AbortSignal, maxBytes: number): Promise<Conversation> {
    const program = startUploadPack(path, { signal })
    const packets = readPackets(program.output, { maxBytes })
    try {
      const { abilities } = await readAdvertisement(packets)
      if (abilities.protocol !== 2) throw new AppError('host_unable', 'Cannot read the repository: git is too old')
      return { program, packets, abilities }
    } catch (error) {
      throw await explain(error, program)
    }
  }

  /** What git said on stderr, where the conversation broke because git ended. */
  async function explain(error: unknown, program: GitProgram): Promise<unknown> {
    const failure = hasCode(error, 'remote_failed') ? await program.failure() : null
    await program.end()
    return failure ?? error
  }

  async function converse<T>(signal: AbortSignal, use: (conversation: Conversation) => Promise<T>): Promise<T> {
    const conversation = await begin(signal, maxRefsBytes)
    try {
      const value = await use(conversation)
      conversation.program.input.write(flushPacket)
      await conversation.program.end()
      return value
    } catch (error) {
      throw await explain(error, conversation.program)
    }
  }

  async function* packData({ packets, program }: Conversation, onProgress: (text: string) => void) {
    try {
      yield* demultiplex(packets, { onProgress })
    } catch (error) {
      throw await explain(error, program)
    }
  }

  let known: RemoteAbilities | null = null

  return {
    async abilities({ signal }) {
      known ??= await converse(signal, async ({ abilities }) => abilities)
      return known
    },
    async lsRefs({ prefixes, signal }) {
      return await converse(signal, async ({ program, packets, abilities }) => {
        known = abilities
        const { objectFormat } = abilities
        program.input.write(lsRefsRequest({ prefixes, objectFormat }))
        const refs = await readRefs(packets, { objectFormat })
        return refs.filter(({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)))
      })
    },
    async fetchPack({ signal, onProgress, ...wish }, use) {
      const conversation = await begin(signal, Number.POSITIVE_INFINITY)
      const { program, packets, abilities } = conversation
      try {
        program.input.write(fetchRequest({ ...wish, objectFormat: abilities.objectFormat }))
        const shallow = await readFetchHead(packets)
        return await use({ shallow, pack: packData(conversation, onProgress) })
      } catch (error) {
        throw await explain(error, program)
      } finally {
        await program.end()
      }
    },
    push: (options, makePack) => pushToPath(path, options, makePack),
  }
}
