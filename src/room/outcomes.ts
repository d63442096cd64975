import { CLOSE, INTERNAL_ERROR, TOO_BIG } from '../protocol/codes.ts'
import { isTransient } from '../protocol/errors.ts'
import { ackEvent, errorEvent, type Item } from '../protocol/events.ts'
import type { Outcome, Reply, ReplyTo } from './ports.ts'

/** A commit's outcome, for who asked over HTTP. */
export const toReply = ({ id }: ReplyTo, outcome: Outcome): Reply =>
  'error' in outcome
    ? {
        type: 'error',
        code: outcome.error,
        message: outcome.message,
        ...(outcome.retryAfter !== undefined && { retryAfter: outcome.retryAfter }),
      }
    : { type: 'published', ...(id !== undefined && { id }), ...outcome }

/** A commit's outcome, for who asked over a connection. */
export const toEvent = (
  { ref, id }: Extract<ReplyTo, { connection: unknown }>,
  outcome: Outcome,
  retryAfter: () => number,
): Item =>
  'error' in outcome
    ? errorEvent(
        ref,
        outcome.error,
        outcome.message,
        outcome.retryAfter ?? (isTransient(outcome.error) ? retryAfter() : undefined),
      )
    : ackEvent({ ...(ref !== undefined && { ref }), ...(id !== undefined && { id }), ...outcome })

/**
 * How a plain connection ends whose message came to nothing: it cannot be told, and must not go on as if it had been
 * sent. Null: it was published, or refused for good, and goes on (ASK-5).
 */
export function plainEnd(outcome: Outcome): { readonly code: number; readonly reason: string } | null {
  if (!('error' in outcome)) return null
  const reason = outcome.error
  if (reason === 'internal') return { code: INTERNAL_ERROR, reason }
  if (reason === 'too_large') return { code: TOO_BIG, reason }
  if (reason === 'rate' || reason === 'busy') return { code: CLOSE.rate, reason }
  return isTransient(reason) ? { code: CLOSE.storage, reason } : null
}

/** What those are told whose commit failed. `isInDoubt`: the log has more than was told, so some of it may stand. */
export const unwritten = (isInDoubt: boolean, why?: string) =>
  ({
    error: 'storage',
    message: isInDoubt
      ? 'It is not known whether this was written; under the same id it is written once'
      : `The log cannot be written${why === undefined ? '' : `: ${why}`}`,
  }) as const
