import { AppError } from '../core/errors.ts'

const maxRecordBytes = 64 * 1024 * 1024

/** Reads delimited records from chunks of bytes as they arrive. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #isDone = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Bytes up to the delimiter, which is consumed; `null` at the end. A cut last record throws. */
  async until(delimiter: number): Promise<Buffer | null> {
    let from = this.#at
    for (;;) {
      const end = this.#buffer.indexOf(delimiter, from)
      if (end >= 0) {
        const record = this.#buffer.subarray(this.#at, end)
        this.#at = end + 1
        return record
      }
      const length = this.#buffer.length - this.#at
      if (length > maxRecordBytes)
        throw new AppError('output_limit', 'Cannot read the output of git: a record is too long')
      if (!(await this.#fill())) break
      from = this.#at + length
    }
    if (this.#at < this.#buffer.length)
      throw new AppError('git_failed', 'Cannot read the output of git: it ends in mid-record')
    return null
  }

  /** The next byte without consuming it; `null` at the end. */
  async peek(): Promise<number | null> {
    while (this.#at >= this.#buffer.length) if (!(await this.#fill())) return null
    return this.#buffer[this.#at] ?? null
  }

  /** Up to `count` bytes; fewer only at the end. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let missing = count
    while (missing > 0 && (await this.peek()) !== null) {
      const part = this.#buffer.subarray(this.#at, this.#at + missing)
      this.#at += part.length
      missing -= part.length
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  /** Consumes so many bytes. */
  async skip(count: number): Promise<void> {
    for (let missing = count; missing > 0 && (await this.peek()) !== null;) {
      const step = Math.min(missing, this.#buffer.length - this.#at)
      this.#at += step
      missing -= step
    }
  }

  /** Everything that is left, as it arrives. */
  async *rest(): AsyncGenerator<Buffer, void> {
    while ((await this.peek()) !== null) {
      const part = this.#buffer.subarray(this.#at)
      this.#at = this.#buffer.length
      yield part
    }
  }

  async #fill(): Promise<boolean> {
    if (this.#isDone) return false
    const next = await this.#source.next()
    if (next.done === true) {
      this.#isDone = true
      return false
    }
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    this.#buffer = this.#at < this.#buffer.length ? Buffer.concat([this.#buffer.subarray(this.#at), chunk]) : chunk
    this.#at = 0
    return true
  }
}
