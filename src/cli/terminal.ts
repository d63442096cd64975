import { styleText } from 'node:util'

type Style = 'dim' | 'bold' | 'cyan' | 'green' | 'red' | 'yellow'
type Stream = NodeJS.WriteStream

/** Colours only on a terminal that has them; NO_COLOR and TERM=dumb are heeded (https://no-color.org). */
export const paint = (stream: Stream, style: Style, text: string): string =>
  stream.isTTY && stream.hasColors() ? styleText(style, text, { validateStream: false }) : text

/** Something that whoever called wants to know, beside what was asked for. */
export function note(text: string): void {
  process.stderr.write(`${paint(process.stderr, 'yellow', 'holdline:')} ${text}\n`)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys these, so they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** What strangers wrote may tell a terminal what to do: it is shown and not obeyed. */
export const shown = (stream: Stream, text: string): string =>
  stream.isTTY ? text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : text

/** How far long work has come: a line that is written over, on a terminal alone. */
export class Progress {
  readonly #says: (count: number) => string
  readonly #isShown: boolean
  #count = 0
  #last = 0

  constructor(says: (count: number) => string, isShown = process.stderr.isTTY === true) {
    this.#says = says
    this.#isShown = isShown
  }

  add(count: number): void {
    this.#count += count
    // Ten times a second: what an eye can follow.
    if (!this.#isShown || performance.now() - this.#last < 100) return
    this.#last = performance.now()
    process.stderr.write(`\r${this.#says(this.#count)}\u001b[K`)
  }

  end(): void {
    if (this.#isShown) process.stderr.write(`\r${this.#says(this.#count)}\u001b[K\n`)
  }
}
