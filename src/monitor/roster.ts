import type {GroupSettings} from '../core/settings.ts'

/** A group of its own for a host that no group names: it is shown, and never routed to. */
export const unnamedGroup = (host: string): GroupSettings => ({
  name: '',
  hosts: [host],
  confirm: [],
  onSilent: 'deny',
  onSplitBrain: 'refuse',
  readFallback: 'none',
  systemIdentifier: null,
})
