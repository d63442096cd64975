import type { Kind } from './kinds.ts'

/** Where a gateway runs: in a process, or on an edge platform. */
export type Where = 'node' | 'edge'

/** One thing that whoever runs a gateway may set. All that is said of it anywhere is made from this. */
export interface Setting<T> {
  /** Of the environment variable on Node, of the `[vars]` entry or secret on the edge. */
  readonly name: string
  readonly kind: Kind<T>
  /** Where it has an effect. Absent: everywhere. */
  readonly only?: Where
  /** Its value is never shown. */
  readonly secret?: true
  /** What it counts. */
  readonly unit?: string
  /** As it would be written. */
  readonly default?: string
  /** In place of a default: what holds while it is not set. */
  readonly unset?: string
  /** One or two sentences. */
  readonly about: string
}

/** Settings that belong together, by the names that the code has for them. */
export type Family = Readonly<Record<string, Setting<unknown>>>

type Value<S> = S extends { readonly kind: Kind<infer T> } ? T : never
type Given<F> = { [K in keyof F]: F[K] extends { readonly default: string } ? K : never }[keyof F]

/** What a family comes to when it is read. */
export type Values<F extends Family> = { readonly [K in Given<F>]: Value<F[K]> } & {
  readonly [K in Exclude<keyof F, Given<F>>]?: Value<F[K]>
}
