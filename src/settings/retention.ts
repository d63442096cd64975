import { RETENTION, type Retention, UNITS } from '../room/log/retention.ts'
import { type Kind, roomPattern, Unfit } from './kinds.ts'

const RULE = /^([^=]+)=(\d{1,9})\/(\d{1,7})([smhd])$/

/**
 * Reads `chat:*=1000/1d,*=10000/7d`: which rooms keep how many messages and for how long. The first rule that fits
 * holds, and a room that none fits keeps what all do by default.
 */
export const retention: Kind<(room: string) => Retention> = {
  says: 'rules like chat:*=1000/1d, with a comma between them',
  read(text) {
    const rules = text.split(',').map((rule) => {
      const [, pattern = '', count, time, unit] = RULE.exec(rule) ?? []
      const kept = { count: Number(count), age: Number(time) * UNITS[unit as keyof typeof UNITS] }
      if (!(kept.count > 0 && kept.age > 0)) throw new Unfit(rule || text)
      return { fits: roomPattern.read(pattern), kept }
    })
    return (room) => rules.find(({ fits }) => fits.test(room))?.kept ?? RETENTION
  },
}
