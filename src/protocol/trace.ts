const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** A W3C trace context, version 00 (w3.org/TR/trace-context), or undefined: a malformed one is as good as none (TRACE-1). */
export const readTraceparent = (header: string | null | undefined): string | undefined =>
  header !== null && header !== undefined && TRACEPARENT.test(header) ? header : undefined
