import type { Used } from '../machine/meter.ts'
import type { FigureName } from './formats.ts'

/** What was measured, by name. */
export type Figures = Readonly<Partial<Record<FigureName, number>>>

/** One measurement. */
export interface Row {
  readonly work: string
  readonly server: string
  /** What was asked for, where there is a ladder of it. */
  readonly rate?: number
  readonly figures: Figures
  /** Empty: it holds. Else why the figures are not what they should be, or not the server's. */
  readonly notes: readonly string[]
  readonly held: boolean
  /** It is not held, though all came: what packs more at a higher rate may hold that one. */
  readonly slow?: true
  /** It may well be the generator's doing, or that of others on the machine. */
  readonly unsure?: true
}

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

/** The generator was at its limit, or starved: then a figure says nothing about the server. `lag`: ms it was late (p99). */
export function limitOf(used: Used, lag = 0): string | undefined {
  if (used.generator >= 0.95) return 'the generator was at its limit'
  if (lag > 20) return 'the generator was late'
  return undefined
}

/** Is it to be doubted that the figures are the server's? */
export const doubt = (used: Used, lag = 0): Pick<Row, 'unsure'> =>
  (limitOf(used, lag) !== undefined && used.server < 0.9) || used.othersServer > 0.25 ? { unsure: true } : {}

export const noise = ({ othersServer, othersGenerator }: Used): string[] =>
  othersServer > 0.1 || othersGenerator > 0.1
    ? [`noisy: others took ${percent(othersServer)} and ${percent(othersGenerator)} of the two cores`]
    : []

/** What a measurement comes to, whatever it was of. */
export type Measured = Omit<Row, 'work' | 'server'>
