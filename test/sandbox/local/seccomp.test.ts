import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { seccompFilter } from '../../../src/sandbox/local/seccomp.ts'
import { argumentRules, refusals, refusedCalls } from '../../../src/sandbox/local/seccomp-table.ts'
import type { SeccompArch, SyscallNumbers } from '../../../src/sandbox/local/seccomp-table.ts'
import { runBoxed } from '../../support/boxed.ts'
import { interpret } from '../../support/bpf-interpreter.ts'
import { forbiddenCalls, harmlessCalls, probeLines } from '../../support/seccomp-calls.ts'

const arch = process.arch as SeccompArch
const auditArch = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 } as const
const allow = 0x7fff0000
const kill = 0x80000000
const probe = join(import.meta.dirname, '../../support/seccomp-probe.pl')
const archs: readonly SeccompArch[] = ['x64', 'arm64']

function verdict(on: SeccompArch, number: number, ...values: readonly bigint[]): number {
  return interpret(seccompFilter(on), { number, arch: auditArch[on], arguments: values })
}

for (const on of archs) {
  describe(`the filter for ${on}`, () => {
    test('refuses exactly the calls of the table', () => {
      const expected = new Map<number, number>()
      for (const { refusal, calls } of refusedCalls) {
        for (const call of Object.values(calls)) if (call[on] !== null) expected.set(call[on], refusals[refusal])
      }
      const ruled = argumentRules.flatMap(({ calls }) => Object.values(calls).map((call) => call[on]))
      for (let number = 0; number < 600; number += 1) {
        if (ruled.includes(number)) continue
        const errno = expected.get(number)
        assert.equal(verdict(on, number), errno === undefined ? allow : 0x00050000 | errno, `call ${number}`)
      }
    })

    test('kills calls of a foreign architecture, whatever they ask', () => {
      for (const foreign of Object.values(auditArch).filter((value) => value !== auditArch[on])) {
        assert.equal(interpret(seccompFilter(on), { number: 1, arch: foreign }), kill)
      }
    })

    test('looks at the low word of an argument only, as the kernel does', () => {
      const high = 0xabcd_0000_0000n
      for (const { refusal, test: kind, values, mask, calls } of argumentRules) {
        const refused = 0x00050000 | refusals[refusal]
        for (const call of Object.values(calls)) {
          const number = call[on]
          if (number === null) continue
          const asked = (value: bigint) => verdict(on, number, ...Array(call.argument).fill(0n), value)
          for (const listed of Object.values(values).map(BigInt)) {
            const outcome = kind === 'only' ? allow : refused
            assert.equal(asked(listed), outcome)
            assert.equal(asked(listed | high), outcome)
            assert.equal(asked(listed | BigInt(~mask >>> 0)), outcome)
          }
          // All bits of the mask at once are a value that no rule lists.
          assert.equal(asked(BigInt(mask >>> 0) | high), kind === 'only' ? refused : allow)
        }
      }
    })
  })
}

test('the filter for x64 kills calls of the x32 interface', () => {
  assert.equal(verdict('x64', 0x4000_0000), kill)
  assert.equal(verdict('x64', 0x4000_0000 | 39), kill)
  assert.equal(verdict('arm64', 0x4000_0000), allow)
})

const headers: Readonly<Record<SeccompArch, readonly string[]>> = {
  x64: ['/usr/include/asm/unistd_64.h', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
  arm64: ['/usr/include/asm-generic/unistd.h'],
}

// Machines without the headers of the C library have nothing to compare with.
for (const on of archs) {
  const header = headers[on].find((path) => existsSync(path))
  if (header === undefined) continue
  test(`the numbers for ${on} are those of the kernel's header`, () => {
    const text = readFileSync(header, 'utf8')
    const known = new Map([...text.matchAll(/#define __NR(?:3264)?_(\w+)\s+(\d+)/g)].map(([, n, v]) => [n, Number(v)]))
    let compared = 0
    for (const [name, numbers] of Object.entries(everyCall())) {
      const number = known.get(name)
      if (number === undefined) continue
      assert.equal(numbers[on], number, name)
      compared += 1
    }
    assert.ok(compared > 50)
  })
}

function everyCall(): Record<string, SyscallNumbers> {
  return Object.assign({}, ...[...refusedCalls, ...argumentRules].map(({ calls }) => calls))
}

describe('under the filter', () => {
  async function errnos(lines: string, filter?: Buffer): Promise<ReadonlyMap<string, number>> {
    const argv = ['perl', '-e', readFileSync(probe, 'utf8')]
    const { code, stdout, stderr } = await runBoxed({ argv, input: lines, ...(filter ? { filter } : {}) })
    assert.equal(code, 0, stderr)
    const rows = stdout.toString().trimEnd().split('\n')
    return new Map(rows.map((row) => [row.split('\t')[0] as string, Number(row.split('\t')[1])]))
  }

  test('every forbidden call fails with its errno, which is not what the kernel itself would say', async () => {
    const lines = probeLines(forbiddenCalls, arch)
    const filtered = await errnos(lines, seccompFilter(arch))
    const bare = await errnos(lines)
    for (const { label, refusal, kernelMayAgree } of forbiddenCalls) {
      if (!filtered.has(label)) continue
      assert.equal(filtered.get(label), refusals[refusal], label)
      if (!kernelMayAgree) assert.notEqual(bare.get(label), refusals[refusal], `${label} without the filter`)
    }
    assert.ok(filtered.size > 60)
  })

  test('it is the filter that refuses: with other errnos in it, those are what every forbidden call fails with', async () => {
    const marked = Buffer.from(seccompFilter(arch))
    // Nothing in the kernel returns these.
    for (let at = 0; at < marked.length; at += 8) {
      if (marked.readUInt16LE(at) === 0x06 && marked.readUInt16LE(at + 6) === 5) {
        marked.writeUInt16LE(marked.readUInt16LE(at + 4) + 3900, at + 4)
      }
    }
    const answers = await errnos(probeLines(forbiddenCalls, arch), marked)
    for (const { label, refusal } of forbiddenCalls) {
      if (answers.has(label)) assert.equal(answers.get(label), refusals[refusal] + 3900, label)
    }
  })

  test('every call of the table is tried', () => {
    const tried = new Set(forbiddenCalls.map(({ call }) => call))
    for (const [name, numbers] of Object.entries(everyCall())) {
      if (numbers[arch] !== null) assert.ok(tried.has(name), name)
    }
  })

  test('the same calls with harmless arguments succeed', async () => {
    const answers = await errnos(probeLines(harmlessCalls, arch), seccompFilter(arch))
    assert.deepEqual([...new Set(answers.values())], [0], JSON.stringify([...answers]))
  })

  test('git adds, commits, packs with threads and checks; shells fork, pipe and make FIFOs', async () => {
    const script = `set -e
      git init -q r && cd r && git config user.name a && git config user.email a@b && git config pack.threads 4
      for i in $(seq 300); do echo "$i" > "f$i"; done
      git add . && git commit -qm one && git gc -q --prune=now && git fsck --strict
      git grep --threads=4 -c 7 > /dev/null
      mkfifo pipe && (echo through > pipe &) && cat pipe
      git rev-list --count HEAD | tr -d '\\n'`
    const { code, stdout, stderr } = await runBoxed({ argv: ['sh', '-c', script], filter: seccompFilter(arch) })
    assert.deepEqual({ code, stdout: stdout.toString() }, { code: 0, stdout: 'through\n1' }, stderr)
  })

  test('Node runs threads and child processes and talks over sockets', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'forkyard-seccomp-'))
    t.after(() => rm(directory, { recursive: true }))
    await chmod(directory, 0o755)
    // The folder that Node lies in may be closed to the unprivileged user.
    await copyFile(process.execPath, join(directory, 'node'))
    const script = `
      const { Worker } = require('node:worker_threads')
      const { execFileSync } = require('node:child_process')
      const net = require('node:net')
      new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true }).on('message', () => {
        const server = net.createServer((s) => s.end('hello')).listen('/tmp/s', () =>
          net.connect('/tmp/s').on('data', (d) => { console.log(execFileSync('echo', [d]).toString()); server.close() }))
      })`
    const { code, stdout, stderr } = await runBoxed({
      argv: ['/opt/node', '-e', script],
      filter: seccompFilter(arch),
      arguments: ['--ro-bind', join(directory, 'node'), '/opt/node'],
    })
    assert.deepEqual({ code, stdout: stdout.toString().trim() }, { code: 0, stdout: 'hello' }, stderr)
  })
})

if (arch === 'x64') {
  test('a call by the x32 interface ends the process', async () => {
    const argv = ['perl', '-e', 'syscall(0x40000027); exit 42']
    assert.equal((await runBoxed({ argv })).code, 42)
    assert.equal((await runBoxed({ argv, filter: seccompFilter(arch) })).code, 128 + 31)
  })

  test('a call by the 32-bit interface ends the process', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'forkyard-seccomp-'))
    t.after(() => rm(directory, { recursive: true }))
    await chmod(directory, 0o755)
    await writeFile(join(directory, 'call'), thirtyTwoBitExit(), { mode: 0o755 })
    const boxed = { argv: ['/opt/call'], arguments: ['--ro-bind', join(directory, 'call'), '/opt/call'] }
    const { code } = await runBoxed(boxed)
    const filtered = await runBoxed({ ...boxed, filter: seccompFilter(arch) })
    // A kernel without this interface ends the process itself.
    assert.equal(filtered.code, code === 42 ? 128 + 31 : code)
  })
}

/** A 64-bit program of three instructions that leaves with 42 through the gate of 32-bit programs. */
function thirtyTwoBitExit(): Buffer {
  const code = Buffer.from('b801000000bb2a000000cd80', 'hex')
  const header = Buffer.alloc(120)
  Buffer.from('7f454c46020101', 'hex').copy(header)
  header.writeUInt16LE(2, 16) // an executable
  header.writeUInt16LE(62, 18) // for x86-64
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(0x400078n, 24) // starts behind the headers
  header.writeBigUInt64LE(64n, 32) // one program header behind this one
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  header.writeUInt32LE(1, 64) // to be loaded
  header.writeUInt32LE(5, 68) // readable and executable
  header.writeBigUInt64LE(0x400000n, 80)
  header.writeBigUInt64LE(0x400000n, 88)
  header.writeBigUInt64LE(BigInt(120 + code.length), 96)
  header.writeBigUInt64LE(BigInt(120 + code.length), 104)
  header.writeBigUInt64LE(0x1000n, 112)
  return Buffer.concat([header, code])
}
