import { LEVELS } from '../protocol/journal.ts'
import { oneOf } from './kinds.ts'
import type { Family } from './setting.ts'

/** What the operator is told. */
export const logging = {
  level: {
    name: 'HOLDLINE_LOG_LEVEL',
    kind: oneOf(LEVELS),
    default: 'info',
    about: 'The least urgent lines that are logged. `debug` has one for each request. See [Logs](operations.md#logs).',
  },
} satisfies Family
