import { CLOSE, mayComeBack } from '../../protocol/codes.ts'
import { retryAfter } from '../advice.ts'

/** Why something ended, and in how many seconds to come back, if at all (ERR-5, DRAIN-2). */
export interface End {
  readonly code: number
  readonly reason: string
  readonly retryAfter?: number
}

export const endOf = (code: number, reason: string, advice = retryAfter()): End =>
  mayComeBack(code) ? { code, reason, retryAfter: advice } : { code, reason }

/** Of a room. A wire that was cut without a word, as when the room is reset, is one to come back with. */
export const roomEnd = (code: number, reason: string, advice?: number): End =>
  code < CLOSE.drain ? endOf(CLOSE.storage, 'the room was reset', advice) : endOf(code, reason, advice)
