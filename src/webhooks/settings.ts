import type { WebhookEvent } from '../protocol/webhook.ts'

/** What a deployment has said about its backend. */
export interface WebhookSettings {
  readonly secrets: readonly Uint8Array[]
  readonly mayBePrivate: boolean
  /** Where events go; absent: none are kept or sent. */
  readonly tell?: {
    readonly url: string
    readonly events: readonly WebhookEvent[]
    readonly rooms: RoomPattern
    /** The most events of a room that may wait. */
    readonly waiting: number
    /** Of one attempt (ms). */
    readonly timeout: number
  }
  /** Where the backend is asked; absent: it never is. */
  readonly ask?: {
    readonly url: string
    /** Of which rooms who may connect, and of which what may be said. */
    readonly connect: RoomPattern
    readonly message: RoomPattern
    readonly timeout: number
    /** Without an answer: is it let through? */
    readonly open: boolean
  }
}

export type RoomPattern = (room: string) => boolean
