import { AppError } from '../core/errors.ts'

/** Where a service is: its origin, and the path that stands before all of its routes. */
export interface ServiceAddress {
  readonly url: URL
  /** Empty, or begins with a slash and ends without one. */
  readonly prefix: string
}

/** Understands the address of a service; throws `url_invalid`. */
export function serviceAddress(text: string): ServiceAddress {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new AppError('url_invalid', 'Cannot connect: the address of the service is no http or https URL')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new AppError('url_invalid', 'Cannot connect: the address of the service holds more than host and path')
  return { url, prefix: url.pathname.replace(/\/+$/, '') }
}
