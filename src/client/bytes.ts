export const toBase64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))

export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))

/** More than 128 bits in the alphabet of ids and secrets (NAME-2). `randomUUID` is not there on a page without TLS. */
export const unguessable = (): string => toBase64(crypto.getRandomValues(new Uint8Array(18))).replace(/\W/g, '-')
