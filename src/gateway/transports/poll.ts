import type { Pack } from '../../protocol/codec/index.ts'
import { CLOSE } from '../../protocol/codes.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Hello } from '../../room/ports.ts'
import { retryAfter } from '../advice.ts'
import { type Query, wait as waitParameter } from '../parameters.ts'
import type { Leg, Poll, RoomStub, Runtime, Wire } from '../ports.ts'
import { presenceOf, sessionOf, startOf } from '../query.ts'
import { jsonText, problem } from '../respond.ts'

/** @throws Refusal `bad_request`, `bad_cursor` */
export function readPoll(room: string, query: Query, runtime: Runtime): Poll {
  const wait = waitParameter.read(query) ?? runtime.pollWait
  const start = startOf(query)
  const { session, resume } = sessionOf(room, query)
  return { room, wait, resume, hello: { kind: 'poll', codec: 'poll', session, ...start, ...presenceOf(query) } }
}

/** `GET /v1/rooms/:room/poll` (POLL-1 to POLL-5). */
export function poll(asked: Poll, signal: AbortSignal, runtime: Runtime): Promise<Response> {
  return new Promise((resolve, reject) => {
    const leave = (): void => held.leave()
    const held = new HeldPoll(asked, runtime.room(asked.room), runtime.pollWait, (answer) => {
      signal.removeEventListener('abort', leave)
      if (typeof answer === 'string') resolve(jsonText(answer))
      else if (answer instanceof Response) resolve(answer)
      else reject(answer.failed)
    })
    if (signal.aborted) leave()
    else if (!held.isOver) signal.addEventListener('abort', leave)
  })
}

/** Seconds within which a room has committed that somebody has come. */
const ARRIVAL = 10

/** Who only asks where it stands is answered at once, or as soon as its coming has been committed (POLL-2, PRES-1). */
export const patience = (wait: number, { cursor }: Hello): number => (cursor === undefined ? ARRIVAL : wait)

/** How a poll is refused for which there is no room now. */
const rateCode = (reason: string): ErrorCode => (reason === 'room_full' || reason === 'busy' ? reason : 'rate')

/** How a poll is refused that a room has ended for good. */
export function finalCode(close: number): ErrorCode {
  if (close === CLOSE.unauthorized) return 'unauthorized'
  return close === CLOSE.revoked ? 'revoked' : 'forbidden'
}

/** How a poll is answered: the JSON of a 200, a refusal, or what went wrong. */
export type PollAnswer = string | Response | { readonly failed: unknown }

/** The line of a poll, until the room has something to say or ends it, the time is over, or the client has left. */
export class HeldPoll implements Leg {
  readonly #poll: Poll
  readonly #pollWait: number
  readonly #answered: (answer: PollAnswer) => void
  #wire: Wire | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  isOver = false

  /** `answered` is called once, be it at once. */
  constructor(poll: Poll, room: RoomStub, pollWait: number, answered: (answer: PollAnswer) => void) {
    this.#poll = poll
    this.#pollWait = pollWait
    this.#answered = answered
    const fail = (failed: unknown) => this.#end({ failed })
    try {
      const wire = room.dial(poll.hello, this)
      if (wire instanceof Promise) wire.then((dialled) => this.#dialled(dialled), fail)
      else this.#dialled(wire)
    } catch (error) {
      fail(error)
    }
  }

  write(pack: Pack): void {
    this.#end(this.#text(pack.frames.join(''), 0))
  }

  credit(): number {
    return Number.POSITIVE_INFINITY
  }

  closed(code: number, reason: string, after?: number): void {
    if (!this.isOver) this.#end(this.#ended(code, reason, after))
  }

  /** The time is over, or its client has left. */
  leave(): void {
    if (!this.isOver) this.#end(this.#ended(IDLE, 'nothing came', 0))
  }

  #dialled(wire: Wire): void {
    this.#wire = wire
    if (this.isOver) wire.close()
    // The wait begins when the room was asked: with `wait=0` too it must have been, however far away it is.
    else if (wire.asked === undefined) this.#wait()
    else wire.asked.then(() => this.#wait())
  }

  #wait(): void {
    const { wait, hello } = this.#poll
    if (!this.isOver) this.#timer = setTimeout(() => this.leave(), patience(wait, hello) * 1000)
  }

  #end(answer: PollAnswer): void {
    if (this.isOver) return
    this.isOver = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#wire?.close()
    this.#answered(answer)
  }

  /** It ended without an answer of the room's. */
  #ended(code: number, reason: string, after = retryAfter()): PollAnswer {
    const { cursor } = this.#poll.hello
    if (code >= CLOSE.protocol) return problem(finalCode(code), reason)
    if (code === CLOSE.rate) return problem(rateCode(reason), reason)
    if (cursor === undefined) return problem(code === CLOSE.drain ? 'draining' : 'storage', reason)
    // Nothing came: the client's own cursor still says up to where it has seen. Whoever was sent away comes back later.
    return this.#text(`{"cursor":"${cursor}","head":"${cursor}","events":[]`, after)
  }

  #text(part: string, after: number): string {
    const { hello, resume } = this.#poll
    const secret = resume === undefined ? '' : `,"resume":"${resume}"`
    return `${part},"session":"${hello.session}"${secret},"advice":{"wait":${this.#pollWait},"after":${after}}}`
  }
}

/** In place of a close code. */
const IDLE = 0
