import { AsyncLocalStorage } from 'node:async_hooks'
import { onTestFinished, type TestContext } from 'vitest'

type Register = (action: () => Promise<void> | void) => void

const registers = new AsyncLocalStorage<Register>()

/** Closes what a test opened, whatever its outcome, or one failure would pile up connections for the next. */
export const atEnd: Register = (action) => (registers.getStore() ?? onTestFinished)(action)

/** For a test that runs beside others, where vitest cannot know by itself which one is asking. */
export const beside =
  (run: () => Promise<void>) =>
  (context: TestContext): Promise<void> =>
    registers.run((action) => context.onTestFinished(action), run)
