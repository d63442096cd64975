import { sharesFrom } from '../gateway/access/limits.ts'
import { gateOptions } from '../gateway/access/settings.ts'
import { LIMITS } from '../protocol/limits.ts'
import { parseRetention } from '../room/log/retention.ts'
import { webhookSettings } from '../webhooks/settings.ts'
import type { ServeOptions } from './serve.ts'

const whole =
  (min: number, max: number) =>
  (text: string, name: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max))
      throw new Error(`${name} must be a whole number from ${min} to ${max}, not "${text}"`)
    return value
  }

const text = (value: string): string => value

const list = (value: string): string[] =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

const oneOf =
  (...values: string[]) =>
  (text: string, name: string): string => {
    if (!values.includes(text)) throw new Error(`${name} must be ${values.join(' or ')}, not "${text}"`)
    return text
  }

function retention(value: string, name: string): ReturnType<typeof parseRetention> {
  try {
    return parseRetention(value)
  } catch (error) {
    throw new Error(`${name} ${(error as Error).message}`)
  }
}

/** The one list of settings: the name in the environment, the option that it sets, and how it is read. */
const SETTINGS = {
  HOST: { option: 'host', read: text },
  PORT: { option: 'port', read: whole(0, 65_535) },
  HOLDLINE_DATA: { option: 'data', read: text },
  HOLDLINE_PRESENCE_LIST: { option: 'presenceList', read: whole(1, 100_000) },
  HOLDLINE_SYNC: { option: 'sync', read: oneOf('full', 'normal') },
  HOLDLINE_RETENTION: { option: 'retention', read: retention },
  HOLDLINE_TRUSTED_PROXIES: { option: 'trustedProxies', read: list },
  HOLDLINE_REQUEST_TIMEOUT: { option: 'requestTimeout', read: whole(1, 3600) },
  HOLDLINE_MAX_HEADER: { option: 'maxHeader', read: whole(4096, 65_536) },
  HOLDLINE_MAX_PAYLOAD: { option: 'maxPayload', read: whole(1, LIMITS.payloadMost) },
} as const

/** @throws Error that names the setting and what it must be */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): ServeOptions {
  const options: Record<string, unknown> = { webhooks: webhookSettings(env) }
  for (const [name, { option, read }] of Object.entries(SETTINGS)) {
    const value = env[name]
    if (value !== undefined && value !== '') options[option] = read(value, name)
  }
  options.auth = gateOptions(env)
  options.shares = sharesFrom(env)
  return options
}
