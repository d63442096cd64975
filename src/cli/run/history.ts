import { elementTexts, memberText } from '../../protocol/json.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { Api } from '../api.ts'
import { print } from '../output.ts'
import { Progress } from '../terminal.ts'
import { type WhereOptions, where } from '../where.ts'
import { lineOf, noteGap } from './message.ts'

export interface HistoryOptions extends WhereOptions {
  readonly json?: true
  readonly all?: true
  readonly limit: number
  readonly after?: string
  readonly before?: string
}

interface Page {
  /** The JSON of each. */
  readonly messages: readonly string[]
  readonly next: string
  readonly prev: string | null
}

/** `holdline history`: asks for as many pages as it takes. @throws Fault */
export async function history(room: string, options: HistoryOptions): Promise<void> {
  const reader = new Reader(room, new Api(where(options)))
  const { json, all, limit, after, before } = options
  // Beside the messages themselves a count would only be in their way.
  const progress = new Progress((count) => `${count} messages`, process.stderr.isTTY && !process.stdout.isTTY)
  const pages =
    all || after !== undefined
      ? reader.forwards(after ?? '0-0', before, all ? Number.POSITIVE_INFINITY : limit)
      : reader.backwards(before, limit)
  for await (const messages of pages) {
    for (const message of messages) await print(json ? message : lineOf(dataOf(message)))
    progress.add(messages.length)
  }
  progress.end()
}

/** Bytes are shown in base64. */
const dataOf = (message: string): string => memberText(message, 'data') ?? memberText(message, 'bytes') ?? 'null'

class Reader {
  readonly #room: string
  readonly #api: Api

  constructor(room: string, api: Api) {
    this.#room = room
    this.#api = api
  }

  async *forwards(from: string, before: string | undefined, limit: number): AsyncGenerator<readonly string[]> {
    let after = from
    for (let left = limit; left > 0; ) {
      const { messages, next } = await this.#page({ after, before, limit: Math.min(left, LIMITS.historyMost) })
      yield messages
      left -= messages.length
      if (next === after) return
      after = next
    }
  }

  /** The newest: they are found from the end, and told from the beginning. */
  async *backwards(from: string | undefined, limit: number): AsyncGenerator<readonly string[]> {
    const found: (readonly string[])[] = []
    let before = from
    for (let left = limit; left > 0; ) {
      const { messages, prev } = await this.#page({ before, limit: Math.min(left, LIMITS.historyMost) })
      found.push(messages)
      left -= messages.length
      if (prev === null || prev === before) break
      before = prev
    }
    yield* found.reverse()
  }

  async #page(query: { after?: string; before?: string | undefined; limit: number }): Promise<Page> {
    const text = await this.#api.get(this.#room, '/messages', query)
    const { next, prev, gap } = JSON.parse(text)
    if (gap !== undefined) noteGap(this.#room, gap)
    return { messages: elementTexts(memberText(text, 'messages') ?? '[]'), next, prev }
  }
}
