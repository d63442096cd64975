import { CLOSE } from '../protocol/codes.ts'
import type { OperationParts } from './client-operations.ts'
import { REVOKED } from './doorkeeper.ts'
import type { Overview } from './overview.ts'
import type { Command, Outcome, Reply, Revocation, Ticket } from './ports.ts'
import { tooFast } from './rates.ts'

export interface CommandParts extends Omit<OperationParts, 'limits' | 'wakeUp'> {
  readonly overview: Overview
}

/** What the gateway asks for, over HTTP. */
export class GatewayCommands {
  readonly #parts: CommandParts

  constructor(parts: CommandParts) {
    this.#parts = parts
  }

  carryOut(ticket: Ticket, command: Command): void {
    const { host, doorkeeper, answers } = this.#parts
    const named = 'session' in command ? command.session : 'reader' in command ? command.reader.session : undefined
    const no = doorkeeper.notFor(command, named, host.now()) ?? this.#tooFast(command)
    if (no === undefined) this.#do(ticket, command)
    else if (command.type !== 'batch') answers.tell({ ticket }, no)
    else for (const index of command.publications.keys()) answers.tell({ ticket, index }, no)
  }

  #do(ticket: Ticket, command: Command): void {
    const { host, participants, fanout, answers, submissions, histories, overview } = this.#parts
    const reply = (it: Reply): void => host.reply(ticket, it)
    switch (command.type) {
      case 'publish': {
        const { publication } = command
        submissions.receive(command, lineOf(command, ticket), [{ publication, replyTo: { ticket } }])
        break
      }
      case 'batch': {
        const submitted = command.publications.map((publication, index) => {
          return { publication, replyTo: { ticket, index } }
        })
        submissions.receive(command, lineOf(command, ticket), submitted)
        break
      }
      case 'history': {
        const { reader, user, query, pass } = command
        histories.ask({ reader: { ...reader, ...(user !== undefined && { user }) }, replyTo: { ticket } }, query, pass)
        break
      }
      case 'present':
        answers.refuse({ ticket }, participants.setState(command.session, command.state, { ticket }))
        break
      case 'presence':
        reply({ type: 'presence', list: participants.presence.list() })
        break
      case 'sessions':
        reply({ type: 'sessions', ...participants.list(command.after, command.limit, fanout.head) })
        break
      case 'session': {
        const found = participants.describe(command.id, fanout.head)
        reply(found === undefined ? noSession(command.id) : { type: 'sessions', sessions: [found], next: null })
        break
      }
      case 'disconnect':
        this.#disconnect(ticket, command.id)
        break
      case 'revoke':
        this.#revoke(ticket, command.revocations)
        break
      case 'info':
        reply({ type: 'info', info: overview.info })
        break
    }
  }

  #tooFast(command: Command): Outcome | undefined {
    const { host, rates } = this.#parts
    if (command.type !== 'publish' && command.type !== 'batch' && command.type !== 'present') return undefined
    const wait = rates.take(command, null, host.now(), command.type === 'batch' ? command.publications.length : 1)
    return wait === null ? undefined : tooFast(wait)
  }

  /** Answered when it has been committed: until then the session may yet be there again. */
  #disconnect(ticket: Ticket, id: string): void {
    const { host, participants, fanout } = this.#parts
    if (!participants.has(id)) {
      host.reply(ticket, noSession(id))
      return
    }
    for (const connection of participants.disconnect(id)) {
      fanout.close(connection, CLOSE.disconnected, 'disconnected')
    }
    host.commit({ drafts: [], replyTo: { ticket } })
  }

  #revoke(ticket: Ticket, revocations: readonly Revocation[]): void {
    const { host, doorkeeper, fanout } = this.#parts
    const { change, dismissed } = doorkeeper.revoke(revocations, host.now())
    for (const connection of dismissed) fanout.close(connection, REVOKED.code, REVOKED.reason)
    host.commit({ drafts: [], ...(change && { change }), replyTo: { ticket } })
  }
}

/** Whose messages over HTTP keep their order: a user's, or else a session's. */
const lineOf = ({ session, user }: { session?: string; user?: string }, ticket: Ticket): string =>
  user !== undefined ? `user:${user}` : session !== undefined ? `session:${session}` : `ticket:${ticket}`

const noSession = (id: string): Reply => ({
  type: 'error',
  code: 'not_found',
  message: `There is no session ${id} in this room`,
})
