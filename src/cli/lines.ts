import { EXIT, Fault } from './exit.ts'

/** Bytes: more than any message may have. */
const LONGEST = 2 * 1024 * 1024
const END = 0x0a

/**
 * The lines of a stream, those together that came together. Only `\n` and `\r\n` end one: text may have U+2028 in it,
 * which readline takes for an end. @throws Fault on what is no UTF-8, after the lines before it, or endless
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  let rest = Buffer.alloc(0)
  let before = 0
  const read = (bytes: Buffer): { lines: string[]; fault?: Fault } => {
    const [lines, isWhole] = decoded(bytes)
    before += lines.length
    return isWhole ? { lines } : { lines, fault: new Fault(EXIT.failed, `line ${before + 1} is not UTF-8`) }
  }
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(END) + 1
    rest = bytes.subarray(end)
    if (end > 0) {
      const { lines, fault } = read(bytes.subarray(0, end))
      if (lines.length > 0) yield lines
      if (fault !== undefined) throw fault
    }
    if (rest.length > LONGEST) throw new Fault(EXIT.failed, `line ${before + 1} is longer than ${LONGEST} bytes`)
  }
  if (rest.length === 0) return
  const { lines, fault } = read(rest)
  if (fault !== undefined) throw fault
  yield lines
}

/** Whole lines; if one is not UTF-8, those before it. No byte of a character but `\n` itself is one of a `\n`. */
function decoded(bytes: Buffer): [lines: string[], isWhole: boolean] {
  const text = utf8(bytes)
  if (text !== undefined) return [text.replace(/\n$/, '').split('\n').map(bare), true]
  const lines: string[] = []
  for (let start = 0; ; ) {
    const end = bytes.indexOf(END, start)
    const line = utf8(bytes.subarray(start, end < 0 ? undefined : end))
    if (line === undefined || end < 0) return [lines, false]
    lines.push(bare(line))
    start = end + 1
  }
}

const bare = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
