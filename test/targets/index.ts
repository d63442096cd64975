import { node } from './node.ts'
import type { Target } from './target.ts'
import { workerd } from './workerd.ts'

export const targets: Target[] = [node, workerd]
