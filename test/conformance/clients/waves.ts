import { range } from '../suite.ts'

/** So many at once: the listening socket of the system holds no more that wait. */
const WAVE = 200

export async function inWaves(count: number, one: (i: number) => Promise<unknown>, between: () => Promise<unknown>) {
  for (let i = 0; i < count; i += WAVE) await Promise.all([...range(WAVE, i).map(one), between()])
}
