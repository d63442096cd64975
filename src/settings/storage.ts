import { oneOf, text } from './kinds.ts'
import { retention } from './retention.ts'
import type { Family } from './setting.ts'

/** What is kept, and where. */
export const storage = {
  data: {
    name: 'HOLDLINE_DATA',
    kind: text('the path of a file'),
    only: 'node',
    default: '.holdline/rooms.db',
    about:
      "The SQLite file, made if it is not there; `:memory:` keeps nothing. To `npm run edge` it is the folder of the objects' storage, and without it nothing is kept there.",
  },
  sync: {
    name: 'HOLDLINE_SYNC',
    kind: oneOf(['normal', 'full']),
    only: 'node',
    default: 'normal',
    about:
      'What an acknowledged message survives: `normal` the death of the process, `full` that of the machine. See [What survives what](operations.md#what-survives-what). On the edge it is always `full`.',
  },
  retention: {
    name: 'HOLDLINE_RETENTION',
    kind: retention,
    default: '*=10000/7d',
    about:
      'How many messages rooms keep, and for how long. The first rule that fits holds; a room that none fits keeps 10,000 for 7 days. See [What is kept](operations.md#what-is-kept).',
  },
} satisfies Family
