import { WEBHOOK_EVENTS } from '../protocol/webhook.ts'
import { checkTarget } from '../webhooks/address.ts'
import type { RoomPattern, WebhookSettings } from '../webhooks/settings.ts'
import { readSecret } from '../webhooks/sign.ts'
import { kind, list, oneOf, rooms, url, whole, yesOrNo } from './kinds.ts'
import type { Family, Values } from './setting.ts'

const target = url('an http or https URL', ({ protocol }) => protocol === 'https:' || protocol === 'http:')

/** What the backend hears, and is asked. */
export const webhooks = {
  url: {
    name: 'HOLDLINE_WEBHOOK_URL',
    kind: target,
    unset: 'nothing is told',
    about: 'Where events go.',
  },
  secrets: {
    name: 'HOLDLINE_WEBHOOK_SECRET',
    kind: list(
      kind('`whsec_` and 24 to 64 random bytes in base64, from: echo "whsec_$(openssl rand -base64 32)"', readSecret),
    ),
    secret: true,
    unset: 'none; needed where a backend is told or asked',
    about: 'What requests to the backend are signed with. Two while one replaces the other.',
  },
  events: {
    name: 'HOLDLINE_WEBHOOK_EVENTS',
    kind: list(oneOf(WEBHOOK_EVENTS)),
    default: WEBHOOK_EVENTS.join(','),
    about: 'Which events are told.',
  },
  rooms: {
    name: 'HOLDLINE_WEBHOOK_ROOMS',
    kind: rooms,
    default: '*',
    about: 'Of which rooms.',
  },
  waiting: {
    name: 'HOLDLINE_WEBHOOK_WAITING',
    kind: whole(1, 1_000_000),
    unit: 'events',
    default: '10000',
    about: 'How many of a room may wait for a backend that is down. The oldest beyond it go to the dead letters.',
  },
  timeout: {
    name: 'HOLDLINE_WEBHOOK_TIMEOUT',
    kind: whole(100, 30_000),
    unit: 'milliseconds',
    default: '5000',
    about: 'The time that the backend has to take a batch of events.',
  },
  mayBePrivate: {
    name: 'HOLDLINE_WEBHOOK_PRIVATE',
    kind: yesOrNo,
    default: '0',
    about: '`1`: the backend may be at a private address, such as 127.0.0.1.',
  },
  askConnect: {
    name: 'HOLDLINE_ASK_CONNECT',
    kind: rooms,
    unset: 'none',
    about: 'The rooms for which the backend is asked who may connect.',
  },
  askMessage: {
    name: 'HOLDLINE_ASK_MESSAGE',
    kind: rooms,
    unset: 'none',
    about: 'The rooms for which it is asked about each message before that is published.',
  },
  askUrl: {
    name: 'HOLDLINE_ASK_URL',
    kind: target,
    unset: 'that of `HOLDLINE_WEBHOOK_URL`',
    about: 'Where the backend is asked.',
  },
  askTimeout: {
    name: 'HOLDLINE_ASK_TIMEOUT',
    kind: whole(100, 10_000),
    unit: 'milliseconds',
    default: '2000',
    about: 'The time that the backend has to answer what it is asked.',
  },
  askOpen: {
    name: 'HOLDLINE_ASK_OPEN',
    kind: yesOrNo,
    default: '0',
    about:
      'When the backend fails to answer: `1` lets everybody in and messages pass as they are, `0` nobody and none. What could not be asked because too many were at once is `busy` either way.',
  },
} satisfies Family

export type WebhookValues = Values<typeof webhooks>

/** Null: no backend is told or asked. */
export function webhookSettings(values: WebhookValues): WebhookSettings | null {
  const { url, secrets = [], mayBePrivate, events, rooms, waiting, timeout } = values
  const { askConnect, askMessage, askUrl = url, askTimeout, askOpen: open } = values
  const asks = (askConnect ?? askMessage) !== undefined
  const tell = url === undefined ? {} : { tell: { url, events, rooms, waiting, timeout } }
  const ask =
    !asks || askUrl === undefined
      ? {}
      : { ask: { url: askUrl, connect: askConnect ?? NONE, message: askMessage ?? NONE, timeout: askTimeout, open } }
  if (url === undefined && !asks) return null
  return { secrets, mayBePrivate, ...tell, ...ask }
}

const NONE: RoomPattern = () => false

/** What is wrong with them together. `isSet`: whether a setting has a value, be it malformed. */
export function webhookProblems(values: WebhookValues, isSet: (name: string) => boolean): readonly string[] {
  const { url, secrets, mayBePrivate, askConnect, askMessage, askUrl } = values
  const asking = askConnect !== undefined ? webhooks.askConnect : askMessage !== undefined ? webhooks.askMessage : null
  const problems: string[] = []
  const check = (name: string, target: string | undefined): void => {
    try {
      if (target !== undefined) checkTarget(target, mayBePrivate)
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`)
    }
  }
  check(webhooks.url.name, url)
  check(webhooks.askUrl.name, askUrl)
  if (asking !== null && !isSet(webhooks.askUrl.name) && !isSet(webhooks.url.name)) {
    problems.push(`${webhooks.askUrl.name} must say which backend is asked, as ${asking.name} is set`)
  }
  if ((url !== undefined || asking !== null) && secrets === undefined && !isSet(webhooks.secrets.name)) {
    problems.push(`${webhooks.secrets.name} must be ${webhooks.secrets.kind.says}`)
  }
  return problems
}
