import { type DestinationStream, destination, pino, stdSerializers } from 'pino'
import { type Level, redacted, type Tell } from '../protocol/journal.ts'

export interface LogOptions {
  /** The least urgent lines that are written. Default `info`. */
  readonly level?: Level
  /** Default: standard error; JSON, or for a terminal what people read. */
  readonly to?: DestinationStream
}

/** Lines that wait while nobody reads them, in bytes: more are dropped, for a log that is stuck must not stop rooms. */
const WAITING = 1024 * 1024

export interface Log {
  readonly tell: Tell
  /** Resolves when all that was told is written, or cannot be: what is cut off by the end of the process loses its order. */
  written(): Promise<void>
}

/** The log of a process: a JSON object a line. */
export function openLog({ level = 'info', to = standardError() }: LogOptions = {}): Log {
  const logger = pino(
    {
      level,
      // Neither the process nor the machine: what collects lines knows where they come from.
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error) => (error instanceof Error ? stdSerializers.err(error) : error) },
      hooks: { streamWrite: redacted },
    },
    to,
  )
  return {
    tell: (urgency, what, facts = {}) => logger[urgency](facts, what),
    written: () => new Promise((resolve) => logger.flush(() => resolve())),
  }
}

function standardError(): DestinationStream {
  if (process.stderr.isTTY) return { write: (line) => void process.stderr.write(readable(line)) }
  // With `minLength` 0 its `flush` would wait for nothing (sonic-boom 4.2, 2026-11).
  return destination({ dest: 2, sync: false, minLength: 1, maxLength: WAITING })
}

/** A line as people read it. */
export function readable(line: string): string {
  const { time, level, msg, error, ...facts } = JSON.parse(line)
  const about = Object.entries(facts).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
  const trace = error === undefined ? '' : `\n${error.stack ?? JSON.stringify(error)}`
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${msg}${about.join('')}${trace}\n`
}
