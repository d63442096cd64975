import { InvalidArgumentError } from 'commander'
import { CAPABILITIES, isCapability } from '../protocol/capabilities.ts'
import { isName } from '../protocol/names.ts'

export const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }

export function room(text: string): string {
  if (isName('room', text)) return text
  throw new InvalidArgumentError('A room name is 1 to 128 of A-Z a-z 0-9 _ . : ~ @ - and neither . nor ..')
}

/** Of a list of arguments each comes by itself, with those before it. */
export const rooms = (text: string, before: readonly string[] | undefined): readonly string[] => {
  if (before?.includes(text)) throw new InvalidArgumentError(`${text} stands there twice.`)
  return [...(before ?? []), room(text)]
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `90s`, `15m`, `1h`, `7d`: seconds. */
export function duration(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? []
  const seconds = UNITS[unit]
  if (seconds !== undefined) return Number(count) * seconds
  throw new InvalidArgumentError('It must be a number with a unit: 90s, 15m, 1h, 7d.')
}

type Grant = readonly [pattern: string, capabilities: readonly string[]]

/** `chat:*=subscribe,publish`; several add up. */
export function grant(text: string, before: readonly Grant[] = []): readonly Grant[] {
  const at = text.lastIndexOf('=')
  const capabilities = text.slice(at + 1).split(',')
  const wrong = capabilities.find((each) => !isCapability(each))
  if (at < 1) throw new InvalidArgumentError("It must be such as 'chat:*=subscribe,publish'.")
  if (wrong !== undefined)
    throw new InvalidArgumentError(`${wrong || 'Nothing'} is none of ${CAPABILITIES.join(', ')}.`)
  return [...before, [text.slice(0, at), capabilities]]
}
