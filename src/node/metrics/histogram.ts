/** Upper bounds of the buckets (s): from half a millisecond, well below what anybody notices, to what everybody does. */
export const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const

/** How long something took, each time. */
export class Histogram {
  /** By bucket; the last is of all that took longer. */
  readonly counts: number[] = new Array(BOUNDS.length + 1).fill(0)
  sum = 0

  /** `milliseconds`: as `performance.now()` tells them. */
  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000
    let at = 0
    while (seconds > (BOUNDS[at] ?? Number.POSITIVE_INFINITY)) at++
    this.counts[at] = (this.counts[at] ?? 0) + 1
    this.sum += seconds
  }
}
