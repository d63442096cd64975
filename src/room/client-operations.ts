import { type Capability, may } from '../protocol/capabilities.ts'
import { Pack } from '../protocol/codec/index.ts'
import { CLOSE, TOO_BIG } from '../protocol/codes.ts'
import { Refusal } from '../protocol/errors.ts'
import { errorEvent, PING_TEXT, PONG, PONG_TEXT } from '../protocol/events.ts'
import { frameLimit } from '../protocol/limits.ts'
import type { Operation, Parsed } from '../protocol/operations.ts'
import type { Answers } from './answers.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { Fanout } from './fanout.ts'
import type { HistoryRequests } from './history-requests.ts'
import { plainPublication, readOperations } from './incoming.ts'
import type { Participants } from './participants.ts'
import type { Connection, ReplyTo, RoomHost, RoomLimits, Verdict } from './ports.ts'
import type { AuthQuestion, TurnQuestion } from './questions.ts'
import { type Rates, tooFast } from './rates.ts'
import type { Submissions } from './submissions.ts'
import type { WakeUp } from './wake-up.ts'

export interface OperationParts {
  readonly host: RoomHost
  readonly limits: RoomLimits
  readonly doorkeeper: Doorkeeper
  readonly wakeUp: WakeUp
  readonly participants: Participants
  readonly fanout: Fanout
  readonly answers: Answers
  readonly rates: Rates
  readonly submissions: Submissions
  readonly histories: HistoryRequests
}

const PONG_PACK = new Pack([PONG_TEXT])

/** What clients ask for over their connections. */
export class ClientOperations {
  readonly #parts: OperationParts

  constructor(parts: OperationParts) {
    this.#parts = parts
  }

  /** A WebSocket message, or a line. */
  receive(connection: Connection, data: string | Uint8Array): void {
    const { fanout, limits } = this.#parts
    // What one that was refused had sent before it heard so is nobody's.
    if (!fanout.has(connection)) return
    const { codec } = connection.attachment
    if (data === PING_TEXT && codec !== 'lines') fanout.write(connection, PONG_PACK)
    else if (data.length > frameLimit(limits.payload)) fanout.close(connection, TOO_BIG, 'too_large')
    else if (codec === 'plain') this.#publishPlain(connection, data)
    else {
      const operations = readOperations(data, limits.payload)
      for (const parsed of operations) this.#perform(connection, parsed, Math.ceil(data.length / operations.length))
    }
  }

  /** An operation that had to wait has its turn. */
  resume({ line: connection, parsed, size }: TurnQuestion): void {
    if (this.#parts.fanout.has(connection)) this.#perform(connection, parsed, size)
  }

  /** A token that came in-band has been verified, or not. */
  renew({ line: connection, ref }: AuthQuestion, verdict: Verdict): void {
    const { host, doorkeeper, wakeUp, fanout, answers } = this.#parts
    if (!fanout.has(connection)) return
    const outcome = doorkeeper.renew(connection, verdict, host.now())
    if (!('error' in outcome)) wakeUp.schedule()
    answers.tell({ connection, ...(ref !== undefined && { ref }) }, outcome)
  }

  /** `size`: its share of what it came in, counted while it has to wait. */
  #perform(connection: Connection, parsed: Parsed, size: number): void {
    const { host, fanout } = this.#parts
    const awaited = host.awaits(connection)
    // All waits for a fresh token; and a presence state, which others hear of, for the messages before it.
    if (awaited === 'auth' || (awaited !== null && parsed.op === 'presence')) {
      const isTaken = host.ask({ hook: 'turn', line: connection, parsed, size })
      if (!isTaken) fanout.close(connection, CLOSE.rate, 'rate')
      return
    }
    try {
      if (parsed.op === undefined) throw parsed.refusal
      this.#operate(connection, parsed)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      fanout.tell(connection, [errorEvent(parsed.ref, error.code, error.message)])
    }
  }

  #publishPlain(connection: Connection, data: string | Uint8Array): void {
    const { host, fanout, limits, rates, submissions } = this.#parts
    try {
      demand(connection, 'publish')
      const wait = rates.take(connection.attachment, connection, host.now())
      if (wait !== null) fanout.close(connection, CLOSE.rate, 'rate', wait)
      else {
        const publication = plainPublication(data, limits.payload)
        submissions.receive(connection.attachment, connection, [{ publication, replyTo: { connection } }])
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // A plain connection cannot be told, and must not go on as if the message had been sent.
      const code = error.code === 'too_large' ? TOO_BIG : error.code === 'forbidden' ? CLOSE.forbidden : CLOSE.protocol
      fanout.close(connection, code, error.code)
    }
  }

  #operate(connection: Connection, operation: Operation): void {
    const { host, participants, fanout, answers, submissions, histories } = this.#parts
    const { attachment } = connection
    const { ref } = operation
    const replyTo = { connection, ...(ref !== undefined && { ref }) }
    switch (operation.op) {
      case 'publish':
        demand(connection, 'publish')
        if (this.#isTooFast(connection, replyTo)) return
        submissions.receive(attachment, connection, [{ publication: operation.publication, replyTo }])
        break
      case 'presence':
        demand(connection, 'presence')
        if (this.#isTooFast(connection, replyTo)) return
        answers.refuse(replyTo, participants.setState(attachment.session, operation.state, replyTo))
        break
      case 'history':
        histories.ask({ reader: attachment, replyTo }, operation.query, attachment.pass)
        break
      case 'auth': {
        // Of the connection alone: nobody hears of it, but to verify one costs more than to publish.
        if (this.#isTooFast(connection, replyTo, {})) return
        const isTaken = host.ask({
          hook: 'auth',
          line: connection,
          ...(ref !== undefined && { ref }),
          token: operation.token,
        })
        if (!isTaken) fanout.close(connection, CLOSE.rate, 'rate')
        break
      }
      case 'probe':
        connection.confirm(operation.n)
        fanout.drained(connection)
        break
      case 'ping':
        fanout.tell(connection, [PONG])
        break
    }
  }

  /** Then it is told so; and who goes on all the same is sent away. */
  #isTooFast(
    connection: Connection,
    replyTo: ReplyTo,
    by: Parameters<Rates['take']>[0] = connection.attachment,
  ): boolean {
    const { host, fanout, answers, rates } = this.#parts
    const wait = rates.take(by, connection, host.now())
    if (wait === null) return false
    answers.tell(replyTo, tooFast(wait))
    if (rates.isDeaf(connection, host.now())) fanout.close(connection, CLOSE.rate, 'rate', Math.ceil(wait))
    return true
  }
}

/** @throws Refusal `forbidden` */
function demand({ attachment: { pass } }: Connection, capability: Capability): void {
  if (!may(pass, capability)) throw new Refusal('forbidden', `The token does not grant \`${capability}\` in this room`)
}
