import { TextDecoder } from 'node:util'
import { EXIT, Fault } from './exit.ts'

/** Characters: more than any message may have. */
const LONGEST = 2 * 1024 * 1024

/**
 * The lines of a stream, those together that came together. Only `\n` and `\r\n` end one: text may have U+2028 in it,
 * which readline takes for an end. @throws Fault on what is no UTF-8, or endless
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decode(decoder, chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST) throw new Fault(EXIT.failed, `a line is longer than ${LONGEST} characters`)
    if (lines.length > 0) yield lines.map(bare)
  }
  rest += decode(decoder)
  if (rest !== '') yield [bare(rest)]
}

const bare = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch {
    throw new Fault(EXIT.failed, 'standard input is not UTF-8')
  }
}
