import { LEVELS, type Level, redacted, type Tell } from '../protocol/journal.ts'

/** A line for Workers Logs, which reads JSON and indexes its fields. */
export function openLog(level: Level = 'info'): Tell {
  const least = LEVELS.indexOf(level)
  return (urgency, what, facts = {}) => {
    if (LEVELS.indexOf(urgency) < least) return
    const { error, ...rest } = facts
    const line = { level: urgency, msg: what, ...rest, ...(error !== undefined && { error: shown(error) }) }
    console[urgency](redacted(JSON.stringify(line)))
  }
}

const shown = (error: unknown): unknown =>
  error instanceof Error ? { type: error.name, message: error.message, stack: error.stack } : error
