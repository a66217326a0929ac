import { AppError } from '../core/errors.ts'

const maxRecordBytes = 64 * 1024 * 1024
const newline = Buffer.from('\n')

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
    let pieces: Pieces | null = null
    for (;;) {
      const end = this.#buffer.indexOf(delimiter, this.#at)
      const piece = this.#buffer.subarray(this.#at, end < 0 ? undefined : end)
      this.#at = end < 0 ? this.#buffer.length : end + 1
      if (end >= 0) return pieces === null ? piece : pieces.add(piece)
      if (piece.length > 0) {
        pieces ??= gatherPieces(Buffer.alloc(0))
        if (pieces.add(piece).length > maxRecordBytes)
          throw new AppError('output_limit', 'Cannot read the output of git: a record is too long')
      }
      if (!(await this.#fill())) break
    }
    if (pieces !== null) throw new AppError('git_failed', 'Cannot read the output of git: it ends in mid-record')
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

  /**
   * Lines up to the next one, after the first, that begins with `start`; empty at the end. `null` where they are more than
   * `maxBytes`: after that nothing more can be read.
   */
  async linesBefore(start: Buffer, maxBytes: number): Promise<Buffer | null> {
    const mark = Buffer.concat([newline, start])
    let pieces: Pieces | null = null
    let lines = this.#buffer.subarray(this.#at)
    for (let from = 0; ;) {
      const found = lines.indexOf(mark, from)
      // The last bytes may be the beginning of a mark.
      const end = found < 0 ? lines.length - start.length : found + newline.length
      if (end > maxBytes) return null
      if (found >= 0) {
        this.#buffer = lines
        this.#at = end
        return lines.subarray(0, end)
      }
      from = Math.max(0, lines.length - mark.length + 1)
      pieces ??= gatherPieces(lines)
      this.#at = this.#buffer.length
      if (!(await this.#fill())) return lines.length > maxBytes ? null : lines
      lines = pieces.add(this.#buffer)
    }
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

  /** Replaces what was read by the next chunk. */
  async #fill(): Promise<boolean> {
    if (this.#isDone) return false
    const next = await this.#source.next()
    if (next.done === true) {
      this.#isDone = true
      return false
    }
    this.#buffer = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    this.#at = 0
    return true
  }
}

interface Pieces {
  /** All of the bytes so far, those of this piece included. */
  add(piece: Buffer): Buffer
}

/** Joins pieces in a place that doubles when it is full: however many and small they are, a byte is copied twice or so. */
function gatherPieces(first: Buffer): Pieces {
  let [place, length] = [first, first.length]
  return {
    add(piece) {
      if (length + piece.length > place.length) {
        const larger = Buffer.allocUnsafe(2 * (length + piece.length))
        place.copy(larger, 0, 0, length)
        place = larger
      }
      length += piece.copy(place, length)
      return place.subarray(0, length)
    },
  }
}
