import { elementTexts, memberText } from '../../protocol/json.ts'

/** The text that data came in: parsed, `1.0` would be 1, and 2^60 + 1 another number (DATA-1). */
export class Exact {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

interface Told {
  readonly type?: string
  readonly events?: readonly Told[]
  data?: unknown
}

/** What the gateway sends, as `JSON.parse` reads it, but for the data of messages, which are `Exact`. */
export function parseExactly(text: string): unknown {
  const value = JSON.parse(text) as Told | readonly Told[]
  if (Array.isArray(value)) keepEach(value, text)
  else keep(value as Told, text)
  return value
}

function keepEach(events: readonly Told[], text: string): void {
  for (const [i, each] of elementTexts(text).entries()) keep(events[i] as Told, each)
}

function keep(told: Told, text: string): void {
  if (told.events !== undefined) keepEach(told.events, memberText(text, 'events') as string)
  else if (told.type === 'message' && told.data !== undefined) told.data = new Exact(memberText(text, 'data') as string)
}
