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
