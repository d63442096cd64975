/** What a check has found. */
export interface Finding {
  /** What was looked at. */
  readonly check: string
  /** `warning`: it works, and may not for long; `skipped`: it could not be told. */
  readonly verdict: 'ok' | 'warning' | 'wrong' | 'skipped'
  /** What was seen, in one sentence. */
  readonly found: string
  /** What to do about it. */
  readonly advice?: string
}

type Say = (check: string, found: string, advice?: string) => Finding

const say =
  (verdict: Finding['verdict']): Say =>
  (check, found, advice) => ({ check, verdict, found, ...(advice !== undefined && { advice }) })

export const ok = say('ok')
export const warning = say('warning')
export const wrong = say('wrong')
export const skipped = say('skipped')
