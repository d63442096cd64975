/** SQLite's result codes (sqlite.org/rescode.html) that are the machine's doing and not ours, as the operator shall read them. */
const OUTAGES: Readonly<Record<number, string>> = {
  5: 'another process has locked it',
  8: 'it is read-only',
  10: 'the disk reports an error',
  13: 'the disk is full',
  14: 'it cannot be opened',
}

const SYSTEM: Readonly<Record<string, string>> = {
  EROFS: OUTAGES[8] as string,
  EACCES: OUTAGES[8] as string,
  EIO: OUTAGES[10] as string,
  EFBIG: OUTAGES[10] as string,
  ENOSPC: OUTAGES[13] as string,
  EDQUOT: OUTAGES[13] as string,
}

/** Why the database cannot be used, if that may pass by itself; else undefined: something is wrong with what we do. */
export function outageOf(error: unknown): string | undefined {
  const { errcode, code } = error as { errcode?: number; code?: string }
  // The low byte is the primary code: the rest says more than anyone can act on.
  return errcode === undefined ? SYSTEM[code ?? ''] : OUTAGES[errcode & 0xff]
}
