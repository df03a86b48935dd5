import type {
  ConnectionSettings,
  GroupSettings,
  HostSettings,
  MonitorSettings,
  ProbeSettings,
} from '../../src/core/settings.ts'

/** Settings as `config/` would make them, for tests that begin behind it. */
export const probeSettings: ProbeSettings = {
  intervalMs: 1_000,
  fastIntervalMs: 100,
  timeoutMs: 1_000,
  connectTimeoutMs: 3_000,
  maxAgeMs: 3_000,
  knockIntervalMs: 5_000,
  loggedKnockIntervalMs: 10_000,
  pingIntervalMs: 200,
  fastPingIntervalMs: 20,
  pingTimeoutMs: 500,
}

/** What libpq has as its default for the rarer keywords. */
export const rareKeywords = {
  sslcrldir: null,
  sslpassword: null,
  sslcertmode: 'allow',
  sslnegotiation: 'postgres',
  tlsVersions: {min: 'TLSv1.2', max: null},
  requireAuth: null,
  channelBinding: 'prefer',
  connectTimeoutMs: null,
  keepalive: {idleSeconds: null, intervalSeconds: null, count: null},
} as const satisfies Partial<ConnectionSettings>

export function hostSettings(
  name: string,
  connection: Partial<ConnectionSettings> = {},
  aliases: readonly string[] = [],
): HostSettings {
  return {
    name,
    aliases,
    location: null,
    delayed: null,
    connection: {
      host: name,
      hostaddr: null,
      port: 5432,
      user: 'pgroute66',
      password: {from: 'none'},
      dbname: 'postgres',
      sslmode: 'prefer',
      sslrootcert: null,
      sslcert: null,
      sslkey: null,
      sslcrl: null,
      ...rareKeywords,
      sslsni: true,
      applicationName: 'pgroute66',
      options: null,
      ...connection,
    },
  }
}

export const groupSettings = (
  name: string,
  hosts: readonly string[],
  more: Partial<GroupSettings> = {},
): GroupSettings => ({
  name,
  hosts,
  confirm: [],
  onSilent: 'deny',
  onSplitBrain: 'refuse',
  onLossyPromotion: 'tell',
  readFallback: 'primary',
  sustainMs: hosts.length > 2 ? 30_000 : 0,
  systemIdentifier: null,
  failoverAfterMs: null,
  repmgr: null,
  pgaf: null,
  patroni: null,
  peers: [],
  witness: null,
  ...more,
})

export function monitorSettings(
  hosts: readonly HostSettings[],
  {
    groups = [
      groupSettings(
        'all',
        hosts.map(({name}) => name),
      ),
    ],
    probe = {},
    ...more
  }: Readonly<{groups?: readonly GroupSettings[]; probe?: Partial<ProbeSettings>}> &
    Partial<Pick<MonitorSettings, 'followers' | 'availability'>> = {},
): MonitorSettings {
  return {
    hosts,
    groups,
    probe: {...probeSettings, ...probe},
    followers: {maxAgeMs: 5_000, nudge: true},
    availability: null,
    stateDir: null,
    ...more,
  }
}
