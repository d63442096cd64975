import { setTimeout as pause } from 'node:timers/promises'
import { postJson, type Query } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshSecret, range } from '../conformance/suite.ts'
import type { Random } from '../random.ts'
import type { Ledger } from './ledger.ts'

/** How long one waits whose server is down before it asks again (ms): keeps the asking cheap, decides nothing. */
export const RETRY = 20

export interface Place {
  readonly url: string
  readonly room: string
  readonly ledger: Ledger
  readonly random: Random
}

export interface Publisher {
  /** Publishes nothing new; resolves when all that was begun is answered. */
  stop(): Promise<void>
}

type Post = (name: string, place: Place, goesOn: () => boolean) => Promise<void>

function publisher(run: Post): (name: string, place: Place) => Publisher {
  return (name, place) => {
    let stopping = false
    const done = run(name, { ...place, random: place.random.fork(name) }, () => !stopping).catch((error) =>
      place.ledger.complain(`${name} gave up: ${error}`),
    )
    return {
      stop() {
        stopping = true
        return done
      },
    }
  }
}

/** One after the other over HTTP, each under an id and repeated until it is answered. */
const http = (asWhom: () => Query): Post =>
  async function post(name, { url, room, ledger, random }, goesOn) {
    const query = asWhom()
    const publish = async (data: string): Promise<void> => {
      for (;;) {
        const id = data.replace(' ', '-')
        const answer = await postJson(url, room, { data, id }, { query }).catch(() => undefined)
        if (answer?.http === 201 || answer?.http === 200) return ledger.acked(data, answer.cursor)
        if (answer !== undefined && answer.http !== 503) ledger.complain(`${data} was answered ${answer.text}`)
        await pause(RETRY)
      }
    }
    for (let n = 0; goesOn(); n++) {
      ledger.sending(`${name} ${n}`)
      await publish(`${name} ${n}`)
      // Also long after it was answered, and by another process, a repeat finds the first (PUB-5).
      if (random.chance(0.1)) await publish(`${name} ${random.whole(0, n)}`)
      await pause(random.whole(0, 20))
    }
  }

/** In lots over a WebSocket that is opened anew whenever it is gone. With ids, what was not answered is sent again. */
const framed = ({ repeats }: { repeats: boolean }): Post =>
  async function stream(name, { url, room, ledger, random }, goesOn) {
    const resume = freshSecret()
    let next = 0
    let unanswered: string[] = []
    while (goesOn() || unanswered.length > 0) {
      const socket = await Framed.open(url, room, { resume }).catch(() => undefined)
      if (socket === undefined) await pause(RETRY)
      while (socket?.socket.readyState === 1 && (goesOn() || unanswered.length > 0)) {
        if (unanswered.length === 0) {
          unanswered = range(random.whole(1, 6), next).map((n) => `${name} ${n}`)
          next += unanswered.length
          unanswered.forEach(ledger.sending, ledger)
        }
        const lot = unanswered.map(async (data) => {
          const id = repeats ? { id: data.replace(' ', '-') } : {}
          const { type, cursor, code } = await socket.ask({ op: 'publish', data, echo: false, ...id })
          if (type === 'ack') ledger.acked(data, cursor)
          else ledger.complain(`${data} was answered ${type} ${code}`)
          return data
        })
        const outcomes = await Promise.allSettled(lot)
        unanswered = repeats ? unanswered.filter((_, i) => outcomes[i]?.status === 'rejected') : []
        for (const each of outcomes) {
          if (each.status === 'rejected' && /no answer/.test(`${each.reason}`))
            ledger.complain(`${name}: ${each.reason}`)
        }
        await pause(random.whole(0, 20))
      }
      await socket?.close()
    }
  }

/** `echo: false` shows a message to all sessions but its own, and no reader here shares one. */
export const publishers = {
  http: publisher(http(() => ({ resume: freshSecret() }))),
  nobody: publisher(http(() => ({}))),
  framed: publisher(framed({ repeats: true })),
  once: publisher(framed({ repeats: false })),
}
