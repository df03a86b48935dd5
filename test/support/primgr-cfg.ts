/**
 * What primgr's template makes of these servers, by name and address: two pools by two status codes
 * of one path. Without its page of statistics, whose port HAProxy refuses.
 */
export const primgrCfg = (servers: Readonly<Record<string, string>>): string => {
  const lines = Object.entries(servers).map(([name, address]) => `    server ${name} ${address}:5432 check port 5999\n`)
  return `defaults
    mode tcp
    retries 3
    timeout connect 86400
    timeout server 10800s
    timeout client 10800s

listen Primary
    bind *:5432
    option httpchk GET /state
    http-check expect status 200
    default-server inter 20s fall 3 rise 2 on-marked-down shutdown-sessions
${lines.join('')}
listen Slave
    bind *:15432
    option httpchk GET /state
    http-check expect status 202
    default-server inter 20s fall 3 rise 2
    balance leastconn
${lines.join('')}`
}
