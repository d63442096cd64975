import { codecs, type Pack } from '../../protocol/codec/index.ts'
import { mayComeBack } from '../../protocol/codes.ts'
import { Refusal } from '../../protocol/errors.ts'
import { closingEvent } from '../../protocol/events.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { closeCodeOf } from '../access/handshake.ts'
import { retryAfter } from '../advice.ts'
import { lastEventId, type Query } from '../parameters.ts'
import type { Runtime, Wire } from '../ports.ts'
import { presenceOf, sessionOf, startOf } from '../query.ts'
import { eventStream } from './stream.ts'

const encoder = new TextEncoder()

/** `GET /v1/rooms/:room/events` (SSE-1 to SSE-5). `enters` rejects if that session is not to be let in, for good. */
export async function sse(
  room: string,
  query: Query,
  request: Request,
  runtime: Runtime,
  enters: (session: string) => Promise<void>,
): Promise<Response> {
  // An empty Last-Event-ID is what a browser sends that has seen no id yet.
  const last = lastEventId.read((name) => request.headers.get(name) || undefined)
  const start = last === undefined ? startOf(query) : { cursor: last }
  const hello = {
    kind: 'sse',
    codec: 'sse',
    ...start,
    ...presenceOf(query),
    ...sessionOf(room, query),
  } as const
  await enters(hello.session)
  return eventStream(
    request,
    (stream) => {
      let wire: Wire | undefined
      let over = false
      const leg = {
        write(pack: Pack) {
          stream.write(bytesOf(pack))
          // A leg that cannot be paused, held in a Worker, ends here; the client comes back with its Last-Event-ID.
          if (stream.credit() < -LIMITS.ahead) stream.end()
        },
        credit: () => stream.credit(),
        closed: () => stream.end(),
      }
      const dial = async () => runtime.room(room).dial(hello, leg)
      dial()
        .then((dialled) => {
          wire = dialled
          if (over) dialled.close()
        })
        .catch((error) => {
          // The stream has begun, so this is no status any more: it ends, and the client comes back (SSE-5).
          if (error instanceof Refusal) stream.write(farewell(error))
          else runtime.report(error)
          stream.end()
        })
      return {
        drained: () => wire?.drained(),
        close() {
          over = true
          wire?.close()
        },
      }
    },
    runtime,
  )
}

function farewell({ code }: Refusal): string {
  const close = closeCodeOf(code)
  return codecs.sse.encode([closingEvent(close, code, mayComeBack(close) ? retryAfter() : undefined)], '', '').join('')
}

/** A pack's bytes, made once for all streams that receive it. */
function bytesOf(pack: Pack): Uint8Array {
  pack.wire ??= encoder.encode(pack.frames.join(''))
  return pack.wire as Uint8Array
}
