import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Sandbox } from '../../src/sandbox/contract.ts'
import { isRoot, run, sandboxUid } from './local-sandboxes.ts'

/** A verb of probe.pl and its arguments. */
export type Attempt = readonly [verb: string, ...rest: (string | number)[]]

const program = readFileSync(new URL('probe.pl', import.meta.url), 'utf8')
const argv = ['/usr/bin/perl', '-e', program] as const

const lines = (attempts: readonly Attempt[]): Buffer =>
  Buffer.from(attempts.map((attempt) => `${attempt.join('\t')}\n`).join(''))

/** How each attempt ends in a sandbox: `ok`, an errno's name, or `silence`. */
export async function probeInside(sandbox: Sandbox, attempts: readonly Attempt[]): Promise<readonly string[]> {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield lines(attempts)
  }
  const { stdout, stderr } = await run(sandbox, argv, { stdin: stdin() })
  return results(attempts, stdout, stderr)
}

/** The same on the host, as the user that sandboxes run as: what fails inside only for want of rights would fail here. */
export async function probeOutside(attempts: readonly Attempt[]): Promise<readonly string[]> {
  const [file, ...rest] = argv
  const becomes = isRoot ? { uid: sandboxUid, gid: sandboxUid } : {}
  const child = spawn(file, rest, { cwd: '/', stdio: 'pipe', ...becomes })
  child.stdin.end(lines(attempts))
  return results(attempts, ...(await Promise.all([buffer(child.stdout), buffer(child.stderr)])))
}

function results(attempts: readonly Attempt[], stdout: Buffer, stderr: Buffer): readonly string[] {
  const found = stdout.toString().split('\n').slice(0, -1)
  if (found.length !== attempts.length) throw new Error(`The probe broke off: ${stderr.toString()}`)
  return found
}

/** Attempts with how they must end inside, and `ok` where they must succeed outside. */
export type Expectation = readonly [attempt: Attempt, inside: string, outside?: 'ok']

/** Attempts as text with how they ended, to compare all at once. */
export function told(attempts: readonly Attempt[], ends: readonly string[]): readonly string[] {
  return attempts.map((attempt, index) => `${attempt.join(' ')}: ${ends[index]}`)
}
