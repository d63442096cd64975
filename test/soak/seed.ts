/** Stands in the title of every case, so that a failure names it. */
export const seed = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Said at the start: what is decided by the seed is decided the same again, what the machine's timing adds is not. */
export function announce(file: string): void {
  console.log(`seed ${seed}; to replay: SOAK_SEED=${seed} npm run soak -- ${file}`)
}
