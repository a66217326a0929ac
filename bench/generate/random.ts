/** Repeatable random numbers: the same seed gives the same sequence on every machine. */
export interface Random {
  /** A whole number from 0 up to but without `end`. */
  below(end: number): number
  /** Bytes that no compression makes smaller. */
  bytes(count: number): Buffer
}

/** Marsaglia's xorshift with 32 bits of state, which is plenty for test data. */
export function random(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  return {
    below: (end) => next() % end,
    bytes(count) {
      const words = new Uint32Array(Math.ceil(count / 4))
      for (let index = 0; index < words.length; index += 1) words[index] = next()
      return Buffer.from(words.buffer, 0, count)
    },
  }
}
