import { parseEvent, type ServerEvent } from './events.ts'
import { Follower, type Transport } from './follower.ts'
import { type Query, url, type Where } from './http.ts'
import { Inbox } from './inbox.ts'

export interface Block {
  event?: string
  data?: string
  id?: string
  retry?: string
  comment?: string
}

/** The event stream format of the HTML standard, section 9.2.6. Takes text in any pieces, gives whole blocks. */
export class BlockReader {
  /** Of a line that has not ended. */
  #begun = ''
  #block: Block = {}

  read(piece: string): Block[] {
    const blocks: Block[] = []
    // A CR at the end may be half of a CRLF.
    const lines = (this.#begun + piece).split(/\r\n|\n|\r(?!$)/)
    this.#begun = lines.pop() as string
    for (const line of lines) {
      if (line !== '') this.#line(line)
      else if (Object.keys(this.#block).length > 0) {
        blocks.push(this.#block)
        this.#block = {}
      }
    }
    return blocks
  }

  #line(line: string): void {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    const block = this.#block
    if (name === '') block.comment = value
    else if (name === 'data') block.data = block.data === undefined ? value : `${block.data}\n${value}`
    else if (name === 'event' || name === 'id' || name === 'retry') block[name] = value
  }
}

export class Stream extends Follower {
  /** Every block as it came, comments too. */
  readonly blocks = new Inbox<Block>('sse blocks')
  readonly ended: Promise<void>
  response: Response | undefined
  /** What an EventSource would send when it comes back. */
  lastEventId: string | undefined
  readonly #stop = new AbortController()
  readonly #welcomed = new Inbox<ServerEvent>('sse, before its welcome')

  constructor(base: string, where: Where, query: Query = {}, headers: Record<string, string> = {}) {
    super('sse')
    this.ended = this.#run(url(base, where, '/events', query), headers).then(
      () => this.#end('the stream ended'),
      (error) => this.#end(`${error}`),
    )
  }

  static async open(base: string, where: Where, query?: Query, headers?: Record<string, string>): Promise<Stream> {
    const stream = new Stream(base, where, query, headers)
    for (const _ of [where].flat()) stream.welcome = await stream.#welcomed.next()
    return stream
  }

  async #run(address: string, headers: Record<string, string>): Promise<void> {
    const response = await fetch(address, { headers, signal: this.#stop.signal })
    this.response = response
    if (response.status !== 200) throw new Error(`SSE was answered ${response.status} ${await response.text()}`)
    const blocks = new BlockReader()
    const decoder = new TextDecoder('utf-8', { fatal: true })
    for await (const chunk of response.body ?? []) {
      for (const block of blocks.read(decoder.decode(chunk, { stream: true }))) this.#hear(block)
    }
  }

  #hear(block: Block): void {
    this.blocks.push(block)
    this.lastEventId = block.id ?? this.lastEventId
    if (block.data === undefined) {
      // FOLLOW-8: a bare id says how far the stream has come; EventSource dispatches nothing for it.
      if (block.id !== undefined) this.receive({ type: 'cursor', cursor: block.id })
    } else {
      this.#dispatch(block, parseEvent(block.data))
    }
  }

  #dispatch(block: Block, event: ServerEvent): void {
    if (event.type !== (block.event ?? 'message')) throw new Error(`type and event: differ: ${JSON.stringify(block)}`)
    if (event.type === 'message' && !`.${block.id}.`.includes(`.${event.cursor}.`))
      throw new Error(`cursor is not id: ${JSON.stringify(block)}`)
    if (event.type === 'welcome') {
      this.greeted(event)
      this.#welcomed.push(event)
    } else {
      this.receive(event)
    }
  }

  override given(): string {
    return `${this.lastEventId}`
  }

  #end(why: string): void {
    for (const inbox of [this.blocks, this.#welcomed, this.inbox]) inbox.end(why)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.ended
  }
}

export const sse: Transport = { name: 'sse', open: (base, where, query) => Stream.open(base, where, query) }
