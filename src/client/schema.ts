import { HoldlineError } from './errors.ts'

/** What of Standard Schema (https://standardschema.dev, version 1) is used here; its types only, so no dependency. */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type Result<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Data that is not what the room's schema says. */
export class InvalidData extends HoldlineError {
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super('invalid', issues.map(({ message }) => message).join('; '))
    this.issues = issues
  }
}

/** At once, if the schema can tell at once. */
export function validate<T>(schema: Schema<T> | undefined, data: unknown): T | InvalidData | Promise<T | InvalidData> {
  if (schema === undefined) return data as T
  const read = (result: Result<T>) => (result.issues === undefined ? result.value : new InvalidData(result.issues))
  const broken = (error: unknown) => new InvalidData([{ message: `${error}` }])
  try {
    const result = schema['~standard'].validate(data)
    return result instanceof Promise ? result.then(read).catch(broken) : read(result)
  } catch (error) {
    // Nothing that a schema does may stop what comes after.
    return broken(error)
  }
}
