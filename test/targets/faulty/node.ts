import { start } from '../../../src/cli/start.ts'
import { FaultyRoom } from './room.ts'

await start({ room: FaultyRoom })
