import type { Repository } from './repository.ts'

/** `main` and `topic` have parted without conflict, `clash` conflicts with `main`, `old` is where they parted. */
export async function makeDiverged(repository: Repository): Promise<void> {
  const base = await repository.commit({ files: { a: '1\n', b: '1\n', c: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { b: '2\n', d: 'x\n' } })
  await repository.commit({ branch: 'clash', parents: [base], files: { a: '3\n' } })
  await repository.branch('old', base)
}
