import { randomUUID } from 'node:crypto'
import { ERRORS, isTransient } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { Api } from '../api.ts'
import { EXIT, exitOf, Fault } from '../exit.ts'
import { linesOf } from '../lines.ts'
import { Progress } from '../terminal.ts'
import { type WhereOptions, where } from '../where.ts'

export interface PubOptions extends WhereOptions {
  readonly json?: true
  readonly id?: string
  readonly event?: string
}

/** Characters of one request, unless one message alone has more. */
const LOT = 64 * 1024

/**
 * `holdline pub`. By requests and not by a connection: that needs `publish` alone, and brings back nothing of a room that
 * may be busy. @throws Fault unless all was acknowledged
 */
export async function pub(room: string, data: string | undefined, options: PubOptions): Promise<void> {
  const publisher = new Publisher(room, options)
  if (data !== undefined && data !== '-') {
    const text = options.json ? checked(data) : JSON.stringify(data)
    if (text === undefined) throw new Fault(EXIT.usage, 'DATA is no JSON')
    await publisher.publish([text])
    return
  }
  if (options.id !== undefined) throw new Fault(EXIT.usage, '--id is for one message, and each line is one')
  const progress = new Progress((count) => `${count} published`)
  try {
    let number = 0
    for await (const lines of linesOf(process.stdin)) {
      const texts: string[] = []
      for (const line of lines) {
        number++
        const text = options.json ? (line.trim() === '' ? undefined : checked(line)) : JSON.stringify(line)
        if (text !== undefined) texts.push(text)
        else if (line.trim() !== '') {
          await publisher.publish(texts, (count) => progress.add(count))
          throw new Fault(EXIT.failed, `line ${number} is no JSON; published before it: ${publisher.count}`)
        }
      }
      await publisher.publish(texts, (count) => progress.add(count))
    }
  } finally {
    progress.end()
  }
}

/** The text itself, since a number may be larger than a program can hold (DATA-1); undefined: it is no JSON. */
function checked(text: string): string | undefined {
  try {
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

interface Item {
  readonly id: string
  /** Its JSON. */
  readonly text: string
}

type Result = { readonly id: string } | { readonly code: string; readonly message: string }

/** Publishes in order, each under an id of its own, so that what is sent again is published once. */
class Publisher {
  readonly #api: Api
  readonly #room: string
  readonly #options: PubOptions
  /** How many were acknowledged. */
  count = 0

  constructor(room: string, options: PubOptions) {
    this.#api = new Api(where(options))
    this.#room = room
    this.#options = options
  }

  /** @throws Fault at the first that is refused for good; nothing after it is sent */
  async publish(data: readonly string[], acknowledged: (count: number) => void = () => {}): Promise<void> {
    const { id: given, event } = this.#options
    const items = data.map((json) => {
      const id = given ?? randomUUID()
      const fields = JSON.stringify({ room: this.#room, id, ...(event !== undefined && { event }) })
      return { id, text: `${fields.slice(0, -1)},"data":${json}}` }
    })
    for (let failures = 0; items.length > 0; ) {
      const [done, refused] = await this.#send(lotOf(items))
      items.splice(0, done)
      this.count += done
      acknowledged(done)
      failures = done > 0 ? 0 : failures + 1
      if (refused === undefined) continue
      if (!this.#api.mayTryAgain(refused)) {
        throw new Fault(refused.exit, `message ${this.count + 1} was refused: ${refused.message}`)
      }
      await this.#api.wait(refused, failures)
    }
  }

  /** How many of a lot, from its beginning, are acknowledged; and what became of the next one. */
  async #send(lot: readonly Item[]): Promise<[done: number, refused: Fault | undefined]> {
    const answer = await this.#api.post('/v1/publish', `{"messages":[${lot.map(({ text }) => text).join(',')}]}`)
    const { results } = JSON.parse(answer) as { results: readonly Result[] }
    const done = results.findIndex((result) => 'code' in result)
    const refused = results[done]
    return refused === undefined || !('code' in refused) ? [lot.length, undefined] : [done, faultOf(refused)]
  }
}

function lotOf(items: readonly Item[]): readonly Item[] {
  let size = 0
  const end = items.slice(0, LIMITS.batch).findIndex(({ text }, i) => {
    size += text.length
    return i > 0 && size > LOT
  })
  return items.slice(0, end < 0 ? LIMITS.batch : end)
}

/** A result bears no advice when to come back; that it may is in its code. */
function faultOf({ code, message }: { readonly code: string; readonly message: string }): Fault {
  const isLater = Object.hasOwn(ERRORS, code) && isTransient(code as keyof typeof ERRORS)
  return new Fault(exitOf(code), `${code}: ${message}`, isLater ? 0 : undefined)
}
