/** A message as launcher.pl reads it: a length, and so many bytes of strings, each after its own length. */
export function packMessage(fields: readonly (string | Buffer)[]): Buffer {
  const parts = fields.map((field) => Buffer.from(field))
  const sizes = parts.map(({ length }) => length + LENGTH_BYTES)
  const message = Buffer.alloc(LENGTH_BYTES + sizes.reduce((sum, size) => sum + size, 0))
  let at = message.writeUInt32BE(message.length - LENGTH_BYTES)
  for (const part of parts) {
    at = message.writeUInt32BE(part.length, at)
    at += part.copy(message, at)
  }
  return message
}

/** A listener for chunks of such messages, which calls `receive` with the fields of each. */
export function messageReader(receive: (fields: readonly string[]) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt32BE()
      if (rest.length < end) return
      const fields = fieldsOf(rest.subarray(LENGTH_BYTES, end))
      rest = rest.subarray(end)
      receive(fields)
    }
  }
}

const LENGTH_BYTES = 4

function fieldsOf(message: Buffer): string[] {
  const fields: string[] = []
  for (let at = 0; at < message.length;) {
    const start = at + LENGTH_BYTES
    at = start + message.readUInt32BE(at)
    fields.push(message.toString('utf8', start, at))
  }
  return fields
}
