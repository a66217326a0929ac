import { connect, createServer, type Server } from 'node:net'
import { AppError } from '../core/errors.ts'

/**
 * Runs `fn` while this process, among all on the host, holds the name. The lock is an abstract unix socket: it vanishes
 * with its owner however that ends, and who waits for it is connected to it and so learns of its end at once.
 * `name` must be hard to guess, as any process of the host may listen on it.
 */
export async function exclusively<T>(
  name: string,
  fn: () => Promise<T>,
  { signal }: { signal: AbortSignal },
): Promise<T> {
  const lock = await acquire(name, signal)
  try {
    return await fn()
  } finally {
    await release(lock)
  }
}

interface Lock {
  readonly server: Server
  readonly waiters: Set<{ destroy(): void }>
}

async function acquire(name: string, signal: AbortSignal): Promise<Lock> {
  for (;;) {
    signal.throwIfAborted()
    const lock = await listen(name)
    if (lock !== null) return lock
    await ended(name, signal)
  }
}

/** Takes the name; `null` where somebody has it. */
function listen(name: string): Promise<Lock | null> {
  const waiters: Lock['waiters'] = new Set()
  const server = createServer((socket) => {
    waiters.add(socket)
    socket.on('error', () => {
      // A waiter that gave up.
    })
    socket.once('close', () => waiters.delete(socket)).resume()
  })
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null)
      else
        reject(new AppError('host_unable', 'Cannot take a lock: abstract unix sockets are refused', { cause: error }))
    })
    server.listen(`\0${name}`, () => resolve({ server, waiters }))
  })
}

/** Resolves when the owner has released the name or is gone. */
function ended(name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Given up while the name was tried: nobody would tell the listener below.
    if (signal.aborted) return resolve()
    const socket = connect(`\0${name}`)
    const leave = (): void => void socket.destroy()
    signal.addEventListener('abort', leave, { once: true })
    socket.on('error', () => {
      // Refused or cut: the owner is gone, which `close` tells.
    })
    socket.once('close', () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    socket.resume()
  })
}

function release({ server, waiters }: Lock): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const waiter of waiters) waiter.destroy()
  })
}
