import type { Pack } from '../../protocol/codec/index.ts'
import { CLOSE } from '../../protocol/codes.ts'
import { Refusal } from '../../protocol/errors.ts'
import { elementTexts } from '../../protocol/json.ts'
import type { Hello } from '../../room/ports.ts'
import { retryAfter } from '../advice.ts'
import { type Query, wait as waitParameter } from '../parameters.ts'
import type { Runtime, Wire } from '../ports.ts'
import { jsonText } from '../respond.ts'
import { finalCode, patience } from '../transports/poll.ts'
import { type Asked, helloOf, readAsked } from './asked.ts'
import { inRoom } from './lines.ts'

/** `GET /v1/poll?rooms=` (MULTI-9). */
export async function pollRooms(query: Query, signal: AbortSignal, runtime: Runtime): Promise<Response> {
  const wait = waitParameter.read(query) ?? runtime.pollWait
  const asked = readAsked(query, runtime.roomsPerConnection)
  const as = { kind: 'poll', codec: 'poll' } as const
  const parties = [...asked.starts].map(([room, start]) => ({ room, hello: helloOf(as, asked, room, start) }))
  const seconds = Math.max(...parties.map(({ hello }) => patience(wait, hello)))
  return toResponse(asked, parties, await held(parties, runtime, seconds, signal), runtime.pollWait)
}

interface Party {
  readonly room: string
  readonly hello: Hello
}

interface Outcome {
  /** By room: what it answered, as the codec `poll` has it. */
  readonly answers: ReadonlyMap<string, string>
  /** A room ended its part without an answer: seconds until the client may come back. */
  readonly after: number
}

/**
 * Holds the lines until a room has something to say, the time is over, or the client has left. No answer ends it before
 * every room was asked, or one that is never silent would keep those that are further away from ever being heard.
 */
function held(parties: readonly Party[], runtime: Runtime, wait: number, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const wires: Wire[] = []
    const answers = new Map<string, string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    let after = 0
    let isAsked = false
    let over = false
    const end = (): void => {
      if (over) return
      over = true
      if (timer !== undefined) clearTimeout(timer)
      signal.removeEventListener('abort', end)
      for (const wire of wires) wire.close()
      resolve({ answers, after })
    }
    const endAfter = (milliseconds: number): void => {
      if (timer !== undefined) clearTimeout(timer)
      if (!over) timer = setTimeout(end, milliseconds)
    }
    const fail = (refusal: Refusal): void => {
      reject(refusal)
      end()
    }
    const dial = async ({ room, hello }: Party): Promise<void> => {
      const leg = {
        write(pack: Pack) {
          if (!answers.has(room)) answers.set(room, pack.frames.join(''))
          // What others have to say in the same turn goes along.
          if (isAsked) endAfter(0)
        },
        credit: () => Number.POSITIVE_INFINITY,
        closed(code: number, reason: string, retry = retryAfter()) {
          if (code >= CLOSE.protocol) fail(new Refusal(finalCode(code), `${room}: ${reason}`))
          if (!answers.has(room)) after = Math.max(after, retry)
          if (isAsked) endAfter(0)
        },
      }
      const wire = await runtime.room(room).dial(hello, leg)
      wires.push(wire)
      if (over) wire.close()
      await wire.asked
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
    Promise.all(parties.map(dial)).then(
      () => {
        isAsked = true
        endAfter(answers.size > 0 || after > 0 ? 0 : wait * 1000)
      },
      (error) => {
        if (error instanceof Refusal) return fail(error)
        runtime.report(error)
        fail(new Refusal('storage', 'One of the rooms did not answer; ask again'))
      },
    )
  })
}

const ANSWER = /^\{"cursor":"([^"]+)","head":"([^"]+)","events":/

function toResponse(asked: Asked, parties: readonly Party[], { answers, after }: Outcome, wait: number): Response {
  const { vector, resume } = asked
  const events: string[] = []
  const rooms = parties.map(({ room, hello }) => {
    const answer = answers.get(room) ?? ''
    const [beginning, cursor, head] = ANSWER.exec(answer) ?? []
    if (cursor !== undefined) vector.move(room, cursor)
    for (const json of beginning === undefined ? [] : elementTexts(answer.slice(beginning.length))) {
      events.push(inRoom(json, room))
    }
    return { room, session: hello.session, cursor: vector.get(room), head }
  })
  // Who was cut off and comes back at once may be cut off again.
  const advice = { wait, after }
  const told = JSON.stringify({ rooms, resume, advice }).slice(1)
  return jsonText(`{"cursor":"${vector}","events":[${events.join(',')}],${told}`)
}
