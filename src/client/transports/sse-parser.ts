export interface Block {
  readonly id?: string
  readonly data?: string
  /** Milliseconds. */
  readonly retry?: number
}

const LINE = /^(id|data|retry): ?(.*)$/

/** Reads an event stream as it comes, in pieces. Its type is not looked at: each event's JSON has it. */
export class SseParser {
  #rest = ''

  /** The blocks that are whole now; comments make empty ones. */
  push(text: string): Block[] {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map((block) => {
      const fields: Record<string, string> = {}
      for (const line of block.split('\n')) {
        const [, name, value] = LINE.exec(line) ?? []
        if (name !== undefined) fields[name] = value as string
      }
      const { retry, ...rest } = fields
      return retry === undefined ? rest : { ...rest, retry: Number(retry) }
    })
  }
}
