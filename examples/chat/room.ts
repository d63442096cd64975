import { type Incoming, Refusal, Room, type Session } from '../../src/index.ts'

/** The chat that everybody writes first: who comes and goes is announced, and everyone has a name. */
export class Chat extends Room<{ names: Record<string, string> }> {
  override onOpen(session: Session): void {
    this.state ??= { names: {} }
    const name = `guest-${session.id.slice(0, 4)}`
    this.state.names[session.id] = name
    this.send(session, { text: `You are ${name}. Send {"name": "…"} to change that.` })
    this.broadcast({ text: `${name} has joined` }, { except: [session.id] })
  }

  override onMessage(session: Session | null, message: Incoming): void {
    const { text, name } = (message.data ?? {}) as { text?: unknown; name?: unknown }
    if (typeof name === 'string' && session !== null) this.#rename(session, name)
    else if (typeof text === 'string') this.broadcast({ name: this.#nameOf(session), text })
    else throw new Refusal('bad_request', 'Send {"text": "…"} to speak, or {"name": "…"} to be called so')
  }

  override onClose(session: Session): void {
    this.broadcast({ text: `${this.#nameOf(session)} has left` })
    delete this.state?.names[session.id]
  }

  #rename(session: Session, name: string): void {
    if (name.trim() === '' || name.length > 32) throw new Refusal('bad_request', 'A name has 1 to 32 characters')
    const before = this.#nameOf(session)
    this.state ??= { names: {} }
    this.state.names[session.id] = name
    this.broadcast({ text: `${before} is now ${name}` })
  }

  #nameOf(session: Session | null): string {
    return session === null ? 'the server' : (this.state?.names[session.id] ?? 'somebody')
  }
}
