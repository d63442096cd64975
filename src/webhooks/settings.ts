import { WEBHOOK_EVENTS, type WebhookEvent } from '../protocol/webhook.ts'
import { checkTarget } from './address.ts'
import { readSecret } from './sign.ts'

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

/** The names of all settings, so that a runtime can hand them on. */
export const WEBHOOK_SETTINGS = [
  'HOLDLINE_WEBHOOK_URL',
  'HOLDLINE_WEBHOOK_SECRET',
  'HOLDLINE_WEBHOOK_EVENTS',
  'HOLDLINE_WEBHOOK_ROOMS',
  'HOLDLINE_WEBHOOK_WAITING',
  'HOLDLINE_WEBHOOK_TIMEOUT',
  'HOLDLINE_WEBHOOK_PRIVATE',
  'HOLDLINE_ASK_URL',
  'HOLDLINE_ASK_CONNECT',
  'HOLDLINE_ASK_MESSAGE',
  'HOLDLINE_ASK_TIMEOUT',
  'HOLDLINE_ASK_OPEN',
] as const

export type WebhookEnv = { readonly [name in (typeof WEBHOOK_SETTINGS)[number]]?: string | undefined }

/** Null: no backend is configured. @throws Error that names the setting and says what it must be */
export function webhookSettings(env: WebhookEnv): WebhookSettings | null {
  const url = env.HOLDLINE_WEBHOOK_URL || undefined
  const asked = env.HOLDLINE_ASK_URL || url
  const asks = Boolean(env.HOLDLINE_ASK_CONNECT || env.HOLDLINE_ASK_MESSAGE)
  if (asks && asked === undefined) throw new Error('HOLDLINE_ASK_URL must say which backend is asked')
  if (url === undefined && !asks) return null
  const mayBePrivate = env.HOLDLINE_WEBHOOK_PRIVATE === '1'
  if (url !== undefined) named('HOLDLINE_WEBHOOK_URL', () => checkTarget(url, mayBePrivate))
  if (asks && asked !== undefined) named('HOLDLINE_ASK_URL', () => checkTarget(asked, mayBePrivate))
  const secrets = list(env.HOLDLINE_WEBHOOK_SECRET ?? '')
  return {
    secrets: named('HOLDLINE_WEBHOOK_SECRET', () => (secrets.length === 0 ? [''] : secrets).map(readSecret)),
    mayBePrivate,
    ...(url !== undefined && {
      tell: {
        url,
        events: eventsOf(env.HOLDLINE_WEBHOOK_EVENTS),
        rooms: patterns(env.HOLDLINE_WEBHOOK_ROOMS || '*'),
        waiting: whole(env, 'HOLDLINE_WEBHOOK_WAITING', 1, 1_000_000, 10_000),
        timeout: whole(env, 'HOLDLINE_WEBHOOK_TIMEOUT', 100, 30_000, 5000),
      },
    }),
    ...(asks &&
      asked !== undefined && {
        ask: {
          url: asked,
          connect: patterns(env.HOLDLINE_ASK_CONNECT ?? ''),
          message: patterns(env.HOLDLINE_ASK_MESSAGE ?? ''),
          timeout: whole(env, 'HOLDLINE_ASK_TIMEOUT', 100, 10_000, 2000),
          open: env.HOLDLINE_ASK_OPEN === '1',
        },
      }),
  }
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** Room names, in which `*` stands for anything: `chat:*,lobby`. */
function patterns(text: string): RoomPattern {
  const any = list(text).map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[^A-Za-z0-9]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`)
  })
  return (room) => any.some((pattern) => pattern.test(room))
}

function eventsOf(text: string | undefined): readonly WebhookEvent[] {
  const chosen = list(text ?? '')
  const unknown = chosen.find((name) => !(WEBHOOK_EVENTS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new Error(`HOLDLINE_WEBHOOK_EVENTS may name ${WEBHOOK_EVENTS.join(', ')}, but not "${unknown}"`)
  }
  return chosen.length === 0 ? WEBHOOK_EVENTS : (chosen as WebhookEvent[])
}

function whole(env: WebhookEnv, name: keyof WebhookEnv, min: number, max: number, otherwise: number): number {
  const text = env[name]
  if (text === undefined || text === '') return otherwise
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}, not "${text}"`)
  }
  return value
}

function named<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`)
  }
}
