import { LIMITS } from '../../protocol/limits.ts'
import type { Outlet, Runtime, Source } from '../ports.ts'

const encoder = new TextEncoder()

/** A client's event stream, to write to. */
export interface EventStream {
  write(block: Uint8Array | string): void
  /** Bytes that it still takes; less than none by as much as it is owed beyond. */
  credit(): number
  /** May be called twice. */
  end(): void
}

const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

/** Holds an event stream until it is ended from either side (SSE-1, SSE-2, SSE-4). `begin` may write at once. */
export function eventStream(request: Request, begin: (stream: EventStream) => Source, runtime: Runtime): Response {
  const open = (outlet: Outlet): Source => new OpenStream(outlet, begin)
  if (runtime.stream === undefined) return new Response(bodyOf(request, open), { headers: HEADERS })
  runtime.stream(request, open)
  return new Response(null, { headers: HEADERS })
}

function bodyOf(request: Request, open: (outlet: Outlet) => Source): ReadableStream<Uint8Array> {
  let source: Source | undefined
  const close = (): void => source?.close()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          request.signal.removeEventListener('abort', close)
          try {
            controller.close()
          } catch {
            // The client has cancelled the stream, which closed it.
          }
        }
        source = open({
          write: (bytes) => controller.enqueue(bytes),
          credit: () => controller.desiredSize ?? 0,
          end,
        })
        if (request.signal.aborted) close()
        else request.signal.addEventListener('abort', close)
      },
      pull: () => source?.drained(),
      cancel: close,
    },
    { highWaterMark: LIMITS.ahead, size: (chunk) => chunk?.length ?? 0 },
  )
}

class OpenStream implements EventStream, Source {
  readonly #outlet: Outlet
  #source: Source | undefined
  #isOver = false
  #spoke = Date.now()
  #timer = setTimeout(() => this.#comment(), LIMITS.comment * 1000)

  constructor(outlet: Outlet, begin: (stream: EventStream) => Source) {
    this.#outlet = outlet
    this.write(`retry: ${1000 + Math.floor(Math.random() * 4000)}\n`)
    this.#source = begin(this)
    if (this.#isOver) this.#source.close()
  }

  write(block: Uint8Array | string): void {
    if (this.#isOver) return
    this.#spoke = Date.now()
    this.#outlet.write(typeof block === 'string' ? encoder.encode(block) : block)
  }

  credit(): number {
    return this.#outlet.credit()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#outlet.end()
  }

  drained(): void {
    this.#source?.drained()
  }

  close(): void {
    this.end()
  }

  /** One timer that looks when it last spoke: setting it anew for every event would cost more than the event. */
  #comment(): void {
    if (this.#isOver) return
    if (Date.now() - this.#spoke >= LIMITS.comment * 1000) this.write(':\n\n')
    this.#timer = setTimeout(() => this.#comment(), this.#spoke + LIMITS.comment * 1000 - Date.now())
  }
}
