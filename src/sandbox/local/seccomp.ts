import { argumentRules, refusals, refusedCalls } from './seccomp-table.ts'
import type { Refusal, SeccompArch } from './seccomp-table.ts'

/** The filter of the local driver as the bytes the kernel takes: little-endian `struct sock_filter` after another. */
export function seccompFilter(arch: SeccompArch): Buffer {
  return assemble([...foreignCalls(arch), ...refusedByNumber(arch), ...refusedByArgument(arch), ...verdicts()])
}

// Opcodes of classic BPF, in the one form each that is used here.
const load = 0x20
const and = 0x54
const jumpIfEqual = 0x15
const jumpIfAtLeast = 0x35
const returns = 0x06

// Offsets in struct seccomp_data. Both processors are little-endian: the low word of an argument comes first, and the
// kernel looks at no more of the arguments checked here, so whatever a program puts in the high word is ignored too.
const callNumber = 0
const callArch = 4
const firstArgument = 16

const allowed = 0x7fff0000
const killProcess = 0x80000000
const failsWith = 0x00050000

const auditArch = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
const firstX32Call = 0x40000000

type Label = 'allow' | 'kill' | Refusal | `rule ${string}`
type Line =
  | { readonly label: Label }
  | { readonly code: number; readonly value: number; readonly yes?: Label; readonly no?: Label }

function foreignCalls(arch: SeccompArch): readonly Line[] {
  return [
    { code: load, value: callArch },
    { code: jumpIfEqual, value: auditArch[arch], no: 'kill' },
    { code: load, value: callNumber },
    // The x32 calls of an x64 kernel carry the same architecture and have numbers of their own.
    ...(arch === 'x64' ? [{ code: jumpIfAtLeast, value: firstX32Call, yes: 'kill' } as const] : []),
  ]
}

function refusedByNumber(arch: SeccompArch): readonly Line[] {
  return refusedCalls.flatMap(({ refusal, calls }) =>
    Object.values(calls).flatMap((numbers) => {
      const number = numbers[arch]
      return number === null ? [] : [{ code: jumpIfEqual, value: number, yes: refusal } as const]
    }),
  )
}

function refusedByArgument(arch: SeccompArch): readonly Line[] {
  return argumentRules.flatMap(({ refusal, test, mask, values, calls }) => {
    const whenListed = test === 'only' ? 'allow' : refusal
    const otherwise = test === 'only' ? refusal : 'allow'
    const listed = Object.values(values)
    return Object.entries(calls).flatMap(([name, call]): readonly Line[] => {
      const number = call[arch]
      if (number === null) return []
      return [
        { code: jumpIfEqual, value: number, no: `rule ${name}` },
        { code: load, value: firstArgument + 8 * call.argument },
        { code: and, value: mask },
        ...listed.map((value, at): Line => {
          const compare = { code: jumpIfEqual, value, yes: whenListed } as const
          return at === listed.length - 1 ? { ...compare, no: otherwise } : compare
        }),
        { label: `rule ${name}` },
      ]
    })
  })
}

function verdicts(): readonly Line[] {
  return [
    { label: 'allow' },
    { code: returns, value: allowed },
    { label: 'kill' },
    { code: returns, value: killProcess },
    ...Object.entries(refusals).flatMap(([name, number]): readonly Line[] => [
      { label: name as Refusal },
      { code: returns, value: failsWith | number },
    ]),
  ]
}

/** Turns labels into the distances that instructions carry; a jump that cannot be made is a mistake of this file. */
function assemble(lines: readonly Line[]): Buffer {
  const labels = new Map<Label, number>()
  const instructions: Exclude<Line, { label: Label }>[] = []
  for (const line of lines) {
    if ('code' in line) instructions.push(line)
    else labels.set(line.label, instructions.length)
  }
  const bytes = Buffer.alloc(instructions.length * 8)
  instructions.forEach(({ code, value, yes, no }, at) => {
    bytes.writeUInt16LE(code, at * 8)
    bytes.writeUInt8(distance(labels, at, yes), at * 8 + 2)
    bytes.writeUInt8(distance(labels, at, no), at * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4)
  })
  return bytes
}

function distance(labels: ReadonlyMap<Label, number>, at: number, label: Label | undefined): number {
  if (label === undefined) return 0
  const target = labels.get(label)
  // The kernel refuses backward jumps, and eight bits hold no more than 255.
  if (target === undefined || target <= at || target - at - 1 > 255) {
    throw new RangeError(`Cannot jump from instruction ${at} to "${label}": out of reach`)
  }
  return target - at - 1
}
