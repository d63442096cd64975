import { wireSize } from '../protocol/entry.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Connection } from './ports.ts'
import type { Answered, Question } from './questions.ts'

interface Waiting {
  readonly question: Question
  readonly size: number
  answered: Answered | null
}

interface Line {
  waiting: Waiting[]
  bytes: number
}

/** What a question takes up while it waits, beside its text. */
const OVERHEAD = 1024

/**
 * What waits for verdicts, line by line: answers may come in any order, and are told in the order of the questions.
 * It is the host's, so that none is forgotten when the room is born again. Every question is answered sometime.
 */
export class Verdicts {
  readonly #lines = new Map<Question['line'], Line>()
  readonly #tell: (answered: Answered) => void
  #bytes = 0

  /** `tell`: a question's turn has come. It may add others. */
  constructor(tell: (answered: Answered) => void) {
    this.#tell = tell
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  /** What of that connection waits; `auth` before all else. */
  awaits(connection: Connection): Question['hook'] | null {
    const waiting = this.#lines.get(connection)?.waiting
    if (waiting === undefined) return null
    return waiting.some(({ question }) => question.hook === 'auth') ? 'auth' : (waiting[0]?.question.hook ?? null)
  }

  /** False: too much waits already, of its line or in all. Whatever is alone is taken. */
  add(question: Question): boolean {
    const line = this.#lines.get(question.line) ?? { waiting: [], bytes: 0 }
    const size = sizeOf(question)
    if (line.bytes > 0 && line.bytes + size > LIMITS.ahead) return false
    if (this.#bytes > 0 && this.#bytes + size > LIMITS.waiting) return false
    line.waiting.push({ question, size, answered: question.hook === 'turn' ? question : null })
    line.bytes += size
    this.#bytes += size
    this.#lines.set(question.line, line)
    return true
  }

  decided(question: Question, answered: Answered): void {
    const line = this.#lines.get(question.line)
    const found = line?.waiting.find((waiting) => waiting.question === question)
    if (line === undefined || found === undefined) return
    found.answered = answered
    const count = line.waiting.findIndex((waiting) => waiting.answered === null)
    const due = count < 0 ? line.waiting : line.waiting.slice(0, count)
    const rest = count < 0 ? [] : line.waiting.slice(count)
    for (const { size } of due) {
      line.bytes -= size
      this.#bytes -= size
    }
    // What those who are told now ask stands before what came after them, which they need not wait for.
    line.waiting = []
    for (const each of due) this.#tell(each.answered as Answered)
    line.waiting.push(...rest)
    if (line.waiting.length === 0) this.#lines.delete(question.line)
  }
}

function sizeOf(question: Question): number {
  switch (question.hook) {
    case 'auth':
      return OVERHEAD + question.token.length
    case 'turn':
      return OVERHEAD + question.size
    case 'message':
      return question.messages.reduce((sum, { draft }) => sum + OVERHEAD + wireSize(draft), 0)
  }
}
