import { mayComeBack } from '../../protocol/codes.ts'
import type { Environment } from '../environment.ts'
import { call, endOf, Failed } from '../http.ts'
import { type Block, SseParser } from './sse-parser.ts'
import { named } from './websocket.ts'
import type { Ask, Dial, End, Leaving, ServerEvent, Sink } from './wire.ts'

export const sse =
  (environment: Environment): Dial =>
  (ask: Ask, sink: Sink) => {
    const controller = new AbortController()
    const { signal } = controller
    let cancelSilence = (): void => {}
    let closing: (Leaving & { readonly room?: string }) | undefined
    let spread = 1

    const close = (): void => {
      cancelSilence()
      controller.abort()
    }
    const end = (why: End): void => {
      if (signal.aborted) return
      close()
      sink.ended(why)
    }
    const listen = (): void => {
      cancelSilence()
      cancelSilence = environment.after(environment.timing.silence, () =>
        end({ reason: 'the stream has fallen silent', silent: true }),
      )
    }
    const events = ({ id, data, retry }: Block): ServerEvent[] => {
      if (retry !== undefined) spread = retry / 1000
      if (data !== undefined) {
        const event = JSON.parse(data) as ServerEvent
        if (event.type === 'closing') closing = event
        return [event]
      }
      // FOLLOW-8: nothing of what was passed was for us. Of several rooms, all their cursors, behind a mark.
      const cursors = id === undefined ? [] : id.split('.').slice(-ask.rooms.length)
      return cursors.flatMap((cursor, i) => (cursor ? [{ type: 'cursor', cursor, room: ask.rooms[i] as string }] : []))
    }
    const follow = async (): Promise<End> => {
      const token = await ask.token()
      sink.began()
      const { body } = await call(ask.url('events'), { token, signal, type: 'text/event-stream' })
      const reader = (body as ReadableStream<Uint8Array>).getReader()
      const decoder = new TextDecoder()
      const parser = new SseParser()
      for (;;) {
        const { done, value } = await reader.read().catch((error: Error) => {
          throw new Failed({ reason: `the stream was cut: ${error.message}`, spread })
        })
        if (done) return ended(closing, spread)
        listen()
        const read = parser.push(decoder.decode(value, { stream: true })).flatMap(events)
        if (signal.aborted) return { reason: '' }
        if (read.length > 0) sink.heard(named(ask.rooms, read))
      }
    }
    follow().then(end, (error) => end(endOf(error)))
    return { close }
  }

/** SSE-5: what may be come back from is a stream that ends, with advice when. */
function ended(closing: (Leaving & { readonly room?: string }) | undefined, retry: number): End {
  if (closing === undefined) return { reason: 'the stream ended', retryAfter: retry }
  const { code, reason, room, retryAfter = retry } = closing
  return { reason, code: reason, room, ...(mayComeBack(code) ? { retryAfter } : { final: true }) }
}
