/** How much of a room is kept: at least its newest `count` messages, unless they are older than `age` (ms). */
export interface Retention {
  readonly count: number
  readonly age: number
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export const RETENTION: Retention = { count: 10_000, age: 7 * UNITS.d }

/** So long a repeat is known, also when its message has been pruned (PUB-5). */
export const REMEMBERED = 10 * UNITS.m

const RULE = /^([A-Za-z0-9_.:~@*-]+)=(\d{1,9})\/(\d{1,7})([smhd])$/

/**
 * Reads `chat:*=1000/1d,*=10000/7d`: which rooms keep how many messages and for how long. `*` in a name stands for any
 * text; the first rule that fits holds, and a room that none fits keeps what all do by default, as all do without rules.
 * @throws Error that says which rule is wrong
 */
export function parseRetention(text: string): (room: string) => Retention {
  const rules = (text === '' ? [] : text.split(',')).map((rule) => {
    const [, pattern = '', count, time, unit] = RULE.exec(rule) ?? []
    const kept = { count: Number(count), age: Number(time) * UNITS[unit as keyof typeof UNITS] }
    if (!(kept.count > 0 && kept.age > 0)) {
      throw new Error(`must be rules like chat:*=1000/1d, with a comma between them; "${rule}" is none`)
    }
    const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'))
    return { fits: new RegExp(`^${parts.join('.*')}$`), kept }
  })
  return (room) => rules.find(({ fits }) => fits.test(room))?.kept ?? RETENTION
}
