import { AppError } from '../../core/errors.ts'
import type { Service } from './advertisement.ts'
import { parseRepo, type HttpRepo } from './repo-url.ts'

const maxHops = 3

/** Where a service introduces itself, below the URL of a repository. */
export function introductionPath(service: Service): string {
  return `/info/refs?service=git-${service}`
}

/** The repository's new address on the same host; every other redirect is `remote_redirected`. */
export function followRedirect({
  repo,
  service,
  from,
  location,
  hops,
}: {
  readonly repo: HttpRepo
  readonly service: Service
  readonly from: string
  readonly location: string | undefined
  readonly hops: number
}): string {
  const tail = introductionPath(service)
  const target = location === undefined ? null : URL.parse(location, `${from}${tail}`)
  if (target === null) throw refused(repo, 'the server redirects nowhere')
  const isSameHost = target.origin === new URL(repo.url).origin && target.username === '' && target.password === ''
  if (!isSameHost) throw refused(repo, 'the server redirects to another host or scheme')
  if (!target.href.endsWith(tail)) throw refused(repo, 'the server redirects to something that is not a repository')
  if (hops >= maxHops) throw refused(repo, `the server redirects more than ${maxHops} times`)
  const url = target.href.slice(0, -tail.length)
  const rules = { allowHosts: repo.isAllowed ? [repo.authority] : [], onlyHosts: [], allowLocal: false }
  try {
    parseRepo(url, rules)
  } catch (cause) {
    throw refused(repo, 'the server redirects to an address that is not a repository', cause)
  }
  return url
}

function refused({ host }: HttpRepo, fact: string, cause?: unknown): AppError {
  return new AppError('remote_redirected', `Cannot read from ${host}: ${fact}`, { details: { host }, cause })
}
