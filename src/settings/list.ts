import { access } from './access.ts'
import { client } from './client.ts'
import { limits } from './limits.ts'
import { logging } from './logging.ts'
import { server } from './server.ts'
import type { Setting, Values } from './setting.ts'
import { storage } from './storage.ts'
import { webhooks } from './webhooks.ts'

/** Every setting that there is. One more is one more entry in its family. */
export const FAMILIES = { server, storage, access, limits, webhooks, logging, client } as const

export type Settings = { readonly [F in keyof typeof FAMILIES]: Values<(typeof FAMILIES)[F]> }

export const ALL: readonly Setting<unknown>[] = Object.values(FAMILIES).flatMap((family) => Object.values(family))
