/** How urgent a line for the operator is. `error`: something is lost or broken; `warn`: it will be, if nobody looks. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type Level = (typeof LEVELS)[number]

/** What a line is about, by name: a room, a request, an `error`. */
export type Facts = Readonly<Record<string, unknown>>

/** Tells the operator. Lines are for search: what differs from one to the next stands in the facts. */
export type Tell = (level: Level, what: string, facts?: Facts) => void

const UNEXPECTED = 'Something went wrong that should not'

/** For what is thrown and was not foreseen. */
export const reporter =
  (tell: Tell, facts: Facts = {}) =>
  (error: unknown): void =>
    tell('error', UNEXPECTED, { ...facts, error })

/** What shows who somebody is, wherever it stands in a text. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/([?&](?:token|resume)=)[^&\s"'\\]+/gi, '$1[redacted]'],
  [/(\bBearer\s+)[^\s"',\\]+/gi, '$1[redacted]'],
  [/(holdline\.token\.)[^\s"',\\]+/gi, '$1[redacted]'],
  [/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, '[redacted]'],
  [/(whsec_)[\w+/=]+/g, '$1[redacted]'],
  [/(:\/\/)[^/\s@"'\\]+@/g, '$1[redacted]@'],
]

/** The last fence: no line is written with a secret in it, whoever wrote it. */
export const redacted = (line: string): string =>
  SECRETS.reduce((text, [secret, instead]) => text.replace(secret, instead), line)
