import type { Settings } from '../settings/list.ts'
import { tlsFiles } from '../settings/server.ts'
import { webhookSettings } from '../settings/webhooks.ts'
import type { ServeOptions } from './serve.ts'

/** What a process is to do, by its settings. */
export const toOptions = ({ server, storage, access, limits, webhooks }: Settings): ServeOptions => ({
  ...server,
  ...tlsFiles(server),
  ...storage,
  auth: access,
  limits,
  webhooks: webhookSettings(webhooks),
})
