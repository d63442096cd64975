import type { Pack } from '../../protocol/codec/index.ts'
import { CLOSE } from '../../protocol/codes.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Hello } from '../../room/ports.ts'
import { retryAfter } from '../advice.ts'
import { type Query, wait as waitParameter } from '../parameters.ts'
import type { RoomStub, Runtime, Wire } from '../ports.ts'
import { presenceOf, sessionOf, startOf } from '../query.ts'
import { jsonText, problem } from '../respond.ts'

/** `GET /v1/rooms/:room/poll` (POLL-1 to POLL-5). */
export async function poll(room: string, query: Query, signal: AbortSignal, runtime: Runtime): Promise<Response> {
  const wait = waitParameter.read(query) ?? runtime.pollWait
  const start = startOf(query)
  const { session, resume } = sessionOf(room, query)
  const hello = { kind: 'poll', codec: 'poll', session, ...start, ...presenceOf(query) } as const
  const outcome = await held(hello, runtime.room(room), patience(wait, hello), signal)
  if (typeof outcome === 'string') return answer(outcome, 0)
  if (outcome.code >= CLOSE.protocol) return problem(finalCode(outcome.code), outcome.reason)
  if (outcome.code === CLOSE.rate) return problem(rateCode(outcome.reason), outcome.reason)
  if (start.cursor === undefined) return problem(outcome.code === CLOSE.drain ? 'draining' : 'storage', outcome.reason)
  // Nothing came: the client's own cursor still says up to where it has seen. Whoever was sent away comes back later.
  const nothing = `{"cursor":"${start.cursor}","head":"${start.cursor}","events":[]`
  return answer(nothing, outcome === IDLE ? 0 : (outcome.retryAfter ?? retryAfter()))

  function answer(part: string, after: number): Response {
    const secret = resume === undefined ? '' : `,"resume":"${resume}"`
    return jsonText(`${part},"session":"${session}"${secret},"advice":{"wait":${runtime.pollWait},"after":${after}}}`)
  }
}

/** Seconds within which a room has committed that somebody has come. */
const ARRIVAL = 10

/** Who only asks where it stands is answered at once, or as soon as its coming has been committed (POLL-2, PRES-1). */
export const patience = (wait: number, ...hellos: readonly Hello[]): number =>
  Math.max(...hellos.map(({ cursor }) => (cursor === undefined ? ARRIVAL : wait)))

/** How a poll is refused for which there is no room now. */
const rateCode = (reason: string): ErrorCode => (reason === 'room_full' || reason === 'busy' ? reason : 'rate')

/** How a poll is refused that a room has ended for good. */
export function finalCode(close: number): ErrorCode {
  if (close === CLOSE.unauthorized) return 'unauthorized'
  return close === CLOSE.revoked ? 'revoked' : 'forbidden'
}

/** Why a poll ended without an answer of the room's. */
interface Ended {
  readonly code: number
  readonly reason: string
  readonly retryAfter?: number | undefined
}

const IDLE: Ended = { code: 0, reason: 'nothing came' }

/** Holds the line until the room has something to say or ends it, the time is over, or the client has left. */
function held(hello: Hello, room: RoomStub, wait: number, signal: AbortSignal): Promise<string | Ended> {
  return new Promise((resolve, reject) => {
    let wire: Wire | undefined
    let over = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const end = (outcome: string | Ended): void => {
      if (over) return
      over = true
      if (timer !== undefined) clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      wire?.close()
      resolve(outcome)
    }
    const leave = (): void => end(IDLE)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave)
    const leg = {
      write: (pack: Pack) => end(pack.frames.join('')),
      credit: () => Number.POSITIVE_INFINITY,
      closed: (code: number, reason: string, retryAfter?: number) => end({ code, reason, retryAfter }),
    }
    room.dial(hello, leg).then(
      async (dialled) => {
        wire = dialled
        if (over) dialled.close()
        // The wait begins when the room was asked: with `wait=0` too it must have been, however far away it is.
        await dialled.asked
        if (!over) timer = setTimeout(leave, wait * 1000)
      },
      (error) => {
        reject(error)
        leave()
      },
    )
  })
}
