import type { Tell } from '../../protocol/journal.ts'
import type { RoomLimits } from '../../room/ports.ts'
import { Backend } from '../../webhooks/backend.ts'
import type { WebhookSettings } from '../../webhooks/settings.ts'
import { turnsOfProcess } from '../../webhooks/slots.ts'
import { nodePost } from './post.ts'

/** The backend that this process tells and asks. Apart, since a gateway that has none loads nothing of it. */
export const openBackend = (
  settings: WebhookSettings,
  limits: Pick<RoomLimits, 'payload' | 'presenceState'>,
  tell: Tell,
): Backend => new Backend(settings, nodePost(settings.mayBePrivate), turnsOfProcess(), limits, tell)
