import type { CodecName } from '../../src/protocol/codec/index.ts'

/** An event as a client reads it. */
export interface Heard {
  readonly type: string
  readonly cursor?: string
  readonly [field: string]: unknown
}

/** What a client reads out of one frame of its transport. */
export function decode(codec: CodecName, frame: string): Heard[] {
  switch (codec) {
    case 'framed':
      return JSON.parse(frame)
    case 'lines':
      return frame
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    case 'sse':
      return frame.trimEnd().split('\n\n').map(block)
    case 'poll': {
      const { cursor, events } = JSON.parse(`${frame}}`) as { cursor: string; events: Heard[] }
      // The answer's own cursor counts when all of it has been read.
      return [...events, { type: 'cursor', cursor }]
    }
    case 'plain':
      return [{ type: 'plain', data: frame }]
  }
}

function block(text: string): Heard {
  const fields = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf(': ')
      return [line.slice(0, at), line.slice(at + 2)] as const
    }),
  )
  const data = fields.get('data')
  return data === undefined ? { type: 'cursor', cursor: `${fields.get('id')}` } : JSON.parse(data)
}
