import { LIMITS } from '../../protocol/limits.ts'

const encoder = new TextEncoder()

/** A client's event stream, to write to. */
export interface EventStream {
  write(block: Uint8Array | string): void
  /** Bytes that it still takes; less than none by as much as it is owed beyond. */
  credit(): number
  /** May be called twice. */
  end(): void
}

/** What is written to an event stream. */
export interface Source {
  /** The stream takes more again. */
  drained(): void
  /** The stream is over. May be called twice. */
  close(): void
}

/** Holds an event stream until it is ended from either side (SSE-1, SSE-2, SSE-4). `begin` may write at once. */
export function eventStream(request: Request, begin: (stream: EventStream) => Source): Response {
  let source: Source | undefined
  let end = (): void => {}
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let over = false
        let spoke = Date.now()
        let timer: ReturnType<typeof setTimeout>
        end = () => {
          if (over) return
          over = true
          clearTimeout(timer)
          request.signal.removeEventListener('abort', end)
          source?.close()
          try {
            controller.close()
          } catch {
            // The client has cancelled the stream, which closed it.
          }
        }
        const write = (block: Uint8Array | string): void => {
          if (over) return
          spoke = Date.now()
          controller.enqueue(typeof block === 'string' ? encoder.encode(block) : block)
        }
        write(`retry: ${1000 + Math.floor(Math.random() * 4000)}\n`)
        // One timer that looks when it last spoke: setting it anew for every event would cost more than the event.
        const comment = (): void => {
          if (over) return
          if (Date.now() - spoke >= LIMITS.comment * 1000) write(':\n\n')
          timer = setTimeout(comment, spoke + LIMITS.comment * 1000 - Date.now())
        }
        timer = setTimeout(comment, LIMITS.comment * 1000)
        if (request.signal.aborted) end()
        else request.signal.addEventListener('abort', end)
        source = begin({ write, credit: () => controller.desiredSize ?? 0, end: () => end() })
        if (over) source.close()
      },
      pull: () => source?.drained(),
      cancel: () => end(),
    },
    { highWaterMark: LIMITS.ahead, size: (chunk) => chunk?.length ?? 0 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
