import { mayComeBack } from '../../protocol/codes.ts'
import type { End, Leaving } from './wire.ts'

/** What a close code says to do (ERR-5), and the `closing` that came before it. */
export function ending(code: number, said: string, closing?: Leaving & { readonly room?: string }): End {
  const reason = said || closing?.reason || `closed with ${code}`
  if (code < 4000 || code > 4999) return { reason, code: code === 1009 ? 'too_large' : undefined }
  const final = !mayComeBack(code)
  const retryAfter = final ? undefined : (closing?.retryAfter ?? 0)
  // WS-8: a reason begins with the error's code, or is one.
  return { reason, code: reason.split(/\W/)[0], room: closing?.room, final, retryAfter }
}
