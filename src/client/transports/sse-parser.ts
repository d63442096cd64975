export interface Block {
  readonly id?: string
  readonly data?: string
  /** Milliseconds. */
  readonly retry?: string
}

const FIELD = /^(id|data|retry): ?(.*)$/gm

/** Reads an event stream as it comes, in pieces. Its type is not looked at: each event's JSON has it. */
export class SseParser {
  #rest = ''

  /** The blocks that are whole now; comments make empty ones. */
  push(text: string): Block[] {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map((block) => Object.fromEntries(Array.from(block.matchAll(FIELD), ([, ...field]) => field)))
  }
}
