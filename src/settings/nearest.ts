/** Which of the known names somebody meant, if one is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const found = known
    .map((each) => ({ each, apart: distance(bare(name), bare(each)) }))
    .reduce((best, next) => (next.apart < best.apart ? next : best))
  return found.apart <= Math.max(2, bare(name).length / 3) ? found.each : undefined
}

/** All names begin alike; what comes after is what is mistyped. */
const bare = (name: string): string => name.replace(/^HOLDLINE_/, '')

/** Letters to be put in, left out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
