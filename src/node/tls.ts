import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** PEM. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Reads a certificate and its key, and tries whether they are one. @throws Error that says what is wrong */
export function readCertificate(files: { readonly cert: string; readonly key: string }): Certificate {
  const read = { cert: readPem('HOLDLINE_TLS_CERT', files.cert), key: readPem('HOLDLINE_TLS_KEY', files.key) }
  try {
    createSecureContext(read)
  } catch (error) {
    const why = (error as Error).message
    throw new Error(`HOLDLINE_TLS_CERT and HOLDLINE_TLS_KEY must be a certificate and its key, as PEM: ${why}`)
  }
  return read
}

function readPem(setting: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`${setting} cannot be read: ${(error as Error).message}`)
  }
}
