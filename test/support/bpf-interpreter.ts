/** What the kernel shows a filter of one system call. */
export interface SeccompData {
  readonly number: number
  readonly arch: number
  readonly arguments?: readonly bigint[]
}

/** Runs a filter as the kernel would and gives the value it returns; throws where the kernel would refuse the filter. */
export function interpret(filter: Buffer, call: SeccompData): number {
  const data = seccompData(call)
  const count = filter.length / 8
  let accumulator = 0
  for (let at = 0; at < count; at += 1) {
    const code = filter.readUInt16LE(at * 8)
    const value = filter.readUInt32LE(at * 8 + 4)
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0
    else if (code === 0x06) return value
    else if (code === 0x15 || code === 0x35) {
      const isTrue = code === 0x15 ? accumulator === value : accumulator >= value
      at += filter.readUInt8(at * 8 + (isTrue ? 2 : 3))
    } else throw new Error(`Cannot interpret instruction ${at}: opcode ${code}`)
  }
  throw new Error('Cannot interpret filter: it ends without a verdict')
}

function seccompData({ number, arch, arguments: values = [] }: SeccompData): Buffer {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(arch, 4)
  values.forEach((value, index) => data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index))
  return data
}
