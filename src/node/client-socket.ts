import { WebSocket } from 'ws'

/** A client's WebSocket. What is asked of each of many is a field or a method here: a listener of its own weighs 150 bytes. */
export class ClientSocket extends WebSocket {
  /** How many pings it has left unanswered; null: it has spoken since the last beat. */
  missed: number | null = 0
  /** What it is still owed goes before the close, whoever closes it. */
  debtor?: { payPong(): void }

  override close(code?: number, reason?: string | Buffer): void {
    this.debtor?.payPong()
    super.close(code, reason)
  }
}
