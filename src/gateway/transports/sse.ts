import type { Pack } from '../../protocol/codec/index.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Runtime, Wire } from '../ports.ts'
import { cursorOf, presenceOf, type Query, sessionOf, startOf } from '../query.ts'

const encoder = new TextEncoder()

/** `GET /v1/rooms/:room/events` (SSE-1 to SSE-5). */
export async function sse(room: string, query: Query, request: Request, runtime: Runtime): Promise<Response> {
  // An empty Last-Event-ID is what a browser sends that has seen no id yet.
  const last = cursorOf(request.headers.get('last-event-id') || undefined)
  const start = last === undefined ? startOf(query) : { cursor: last }
  const hello = {
    kind: 'sse',
    codec: 'sse',
    ...start,
    ...presenceOf(query),
    ...(await sessionOf(room, query)),
  } as const
  let wire: Wire | undefined
  let end = (): void => {}
  const stream = new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        let over = false
        let spoke = Date.now()
        let timer: ReturnType<typeof setTimeout>
        end = () => {
          if (over) return
          over = true
          clearTimeout(timer)
          request.signal.removeEventListener('abort', end)
          wire?.close()
          try {
            controller.close()
          } catch {
            // The client has cancelled the stream, which closed it.
          }
        }
        const write = (bytes: Uint8Array): void => {
          if (over) return
          spoke = Date.now()
          controller.enqueue(bytes)
          // A leg that cannot be paused, held in a Worker, ends here; the client comes back with its Last-Event-ID.
          if ((controller.desiredSize ?? 0) < -LIMITS.ahead) end()
        }
        write(encoder.encode(`retry: ${1000 + Math.floor(Math.random() * 4000)}\n`))
        // One timer that looks when it last spoke: setting it anew for every event would cost more than the event.
        const comment = (): void => {
          if (over) return
          if (Date.now() - spoke >= LIMITS.comment * 1000) write(encoder.encode(':\n\n'))
          timer = setTimeout(comment, spoke + LIMITS.comment * 1000 - Date.now())
        }
        timer = setTimeout(comment, LIMITS.comment * 1000)
        if (request.signal.aborted) end()
        else request.signal.addEventListener('abort', end)
        const leg = {
          write: (pack: Pack) => write(bytesOf(pack)),
          credit: () => controller.desiredSize ?? 0,
          closed: () => end(),
        }
        try {
          wire = await runtime.room(room).dial(hello, leg)
          if (over) wire.close()
        } catch (error) {
          // The stream has begun, so this is no status any more: it ends, and the client comes back (SSE-5).
          runtime.report(error)
          end()
        }
      },
      pull: () => wire?.drained(),
      cancel: () => end(),
    },
    { highWaterMark: LIMITS.ahead, size: (chunk) => chunk?.length ?? 0 },
  )
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

/** A pack's bytes, made once for all streams that receive it. */
function bytesOf(pack: Pack): Uint8Array {
  pack.wire ??= encoder.encode(pack.frames.join(''))
  return pack.wire as Uint8Array
}
