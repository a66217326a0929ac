import { connect, type Socket } from 'node:net'

/** A connection of which every byte is the tester's own. */
export interface RawSocket {
  readonly socket: Socket
  readonly write: (text: string) => void
  /** All that comes until the other side ends the connection. */
  readonly answer: Promise<string>
}

export async function openSocket(port: number, localAddress = '127.0.0.1'): Promise<RawSocket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
  const parts: Buffer[] = []
  const answer = new Promise<string>((resolve) => {
    const finish = (): void => resolve(Buffer.concat(parts).toString('latin1'))
    socket.on('data', (chunk: Buffer) => void parts.push(chunk))
    socket.on('end', finish)
    socket.on('error', finish)
    socket.on('close', finish)
  })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return { socket, write: (text) => void socket.write(text, 'latin1'), answer }
}

/** The status of each answer on a connection, in order. */
export function statuses(answer: string): readonly number[] {
  return [...answer.matchAll(/(?:^|[^\r\n])HTTP\/1\.1 (\d{3}) |^HTTP\/1\.1 (\d{3}) /gm)].map(([, one, other]) =>
    Number(one ?? other),
  )
}
