import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** PEM. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Reads a certificate and its key, and tries whether they are one. @throws Error that says what is wrong */
export function readCertificate({ cert, key }: { readonly cert: string; readonly key: string }): Certificate {
  const read = { cert: readFileSync(cert), key: readFileSync(key) }
  try {
    createSecureContext(read)
  } catch (error) {
    throw new Error(`${cert} and ${key} are no certificate and its key: ${(error as Error).message}`)
  }
  return read
}
