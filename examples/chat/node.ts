import { start } from '../../src/cli/start.ts'
import { Chat } from './room.ts'

await start({ room: Chat })
