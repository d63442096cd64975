import type { Environment } from '../environment.ts'
import { call, orFail } from '../http.ts'
import { ending } from './ending.ts'
import { Held } from './held.ts'
import { type Block, SseParser } from './sse-parser.ts'
import { type Ask, type Dial, type Leaving, named, type ServerEvent, type Sink } from './wire.ts'

/** By fetch and not by EventSource, which can send no token but in the URL, and not tell why it was refused. */
export const sse: Dial = (environment: Environment, ask: Ask, sink: Sink) => {
  let closing: (Leaving & { readonly room?: string }) | undefined
  /** Seconds. */
  let retry = 1

  const events = (block: Block): ServerEvent[] => {
    const { id, data } = block
    if (block.retry) retry = Number(block.retry) / 1000
    if (data) {
      const event = environment.parse(data) as ServerEvent
      if (event.type === 'closing') closing = event
      return [event]
    }
    // FOLLOW-8: nothing of what was passed was for us. Of several rooms, all their cursors, behind a mark.
    const cursors = id ? id.split('.').slice(-ask.rooms.length) : []
    return cursors.flatMap((cursor, i) => (cursor ? [{ type: 'cursor', cursor, room: ask.rooms[i] as string }] : []))
  }
  return new Held(environment, sink, async (held) => {
    const { signal } = held
    const token = await ask.token()
    sink.began()
    const { body } = await call(ask.url('events'), { token, signal }, 'text/event-stream')
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    const decoder = new TextDecoder()
    const parser = new SseParser()
    for (;;) {
      const { done, value } = await orFail(reader.read(), retry)
      // SSE-5: what may be come back from is a stream that ends.
      if (done && closing !== undefined) return ending(closing.code, '', { retryAfter: retry, ...closing })
      if (done) return { reason: 'the stream ended', retryAfter: retry }
      held.expect(environment.timing.silence)
      const read = parser.push(decoder.decode(value, { stream: true })).flatMap(events)
      if (!signal.aborted) sink.heard(named(ask.rooms, read))
    }
  })
}
