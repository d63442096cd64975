/** A kind of value: what it must be, in words, and how it is read from text. */
export interface Kind<T> {
  /** Goes on after "must be". */
  readonly says: string
  /** @throws Unfit */
  read(text: string): T
}

/** It is none of this kind. The message: what to show of it, of a list the one that is wrong; empty: nothing. */
export class Unfit extends Error {}

/** A kind by a reader that answers `undefined` to what is none. */
export const kind = <T>(says: string, read: (text: string) => T | undefined): Kind<T> => ({
  says,
  read(text) {
    const value = read(text)
    if (value === undefined) throw new Unfit(text)
    return value
  },
})

export const text = (says: string): Kind<string> => kind(says, (value) => value)

export const long = (least: number, says: string): Kind<string> =>
  kind(`${says} of ${least} characters at least`, (value) => (value.length < least ? undefined : value))

export const whole = (min: number, max: number): Kind<number> =>
  kind(`a whole number from ${min} to ${max}`, (value) => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    return number >= min && number <= max ? number : undefined
  })

const alternatives = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** One of these words, and what each stands for. */
export const choice = <const T extends string | boolean>(values: Readonly<Record<string, T>>): Kind<T> => {
  const known = new Map(Object.entries(values))
  return kind(alternatives([...known.keys()]), (value) => known.get(value))
}

export const oneOf = <const T extends string>(words: readonly T[]): Kind<T> =>
  kind(alternatives(words), (value) => words.find((word) => word === value))

export const yesOrNo = choice({ 0: false, 1: true })

/** Several of a kind, joined by commas. */
export const list = <T>(each: Kind<T>): Kind<readonly T[]> => ({
  says: `${each.says}; several are joined by commas`,
  read(value) {
    const parts = value.split(',').flatMap((part) => part.trim() || [])
    if (parts.length === 0) throw new Unfit(value)
    return parts.map((part) => each.read(part))
  },
})

/** What is wrong with one is not shown: a URL may bear a password. */
export const url = (says: string, fits: (url: URL) => boolean): Kind<string> => ({
  says,
  read(value) {
    const parsed = URL.parse(value)
    if (parsed === null || !fits(parsed)) throw new Unfit('')
    return value
  },
})

export const roomPattern = kind('a room name, in which * stands for any text', (value) => {
  if (!/^[A-Za-z0-9_.:~@*-]{1,128}$/.test(value)) return undefined
  return new RegExp(`^${value.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
})

/** Those that any of the patterns fits: `chat:*,lobby`. */
export const rooms: Kind<(room: string) => boolean> = {
  says: 'room names, in which * stands for any text, such as chat:*,lobby',
  read(value) {
    const patterns = list(roomPattern).read(value)
    return (room) => patterns.some((pattern) => pattern.test(room))
  },
}

const V4 = /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?=\d)|$)){4}$/

export const subnet = kind('an address, or a subnet such as 10.0.0.0/8', (value) => {
  const [address = '', bits = '0', more] = value.split('/')
  const isV6 = address.includes(':')
  // In brackets a URL takes IPv6 alone; out of them it takes names too, and short forms of IPv4.
  const isAddress = isV6 ? URL.canParse(`http://[${address}]`) : V4.test(address)
  const fits = /^\d{1,3}$/.test(bits) && Number(bits) <= (isV6 ? 128 : 32)
  return isAddress && fits && more === undefined ? value : undefined
})
