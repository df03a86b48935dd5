/** Scripts for `nft -f -`; each is one transaction of the kernel. */
const table = 'inet pgroute66_guard'

/** The whole table, shut. Sessions that are open already are reset with their next packet. */
export function fenceRules(port: number, addresses: readonly string[]): string {
  const cidrs = addresses.filter((address) => address.includes('/'))
  const sets = [
    {name: 'gated4', type: 'ipv4_addr', match: 'ip', from: cidrs.filter((address) => !address.includes(':'))},
    {name: 'gated6', type: 'ipv6_addr', match: 'ip6', from: cidrs.filter((address) => address.includes(':'))},
  ].filter(({from}) => from.length > 0)
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    '  set lease { type inet_service; flags timeout; }',
    ...sets.map(
      ({name, type, from}) =>
        `  set ${name} { type ${type}; flags interval; auto-merge; elements = { ${from.join(', ')} } }`,
    ),
    '  chain input {',
    '    type filter hook input priority -5; policy accept;',
    ...sets.map(
      ({name, match}) =>
        `    ${match} saddr @${name} tcp dport ${port} tcp dport != @lease counter reject with tcp reset`,
    ),
    '  }',
    '}',
    '',
  ].join('\n')
}

/** An element keeps its old timeout when it is added again, so it is taken away first. */
export const renewal = (port: number, ms: number): string =>
  [...removal(port), `add element ${table} lease { ${port} timeout ${Math.max(1, Math.floor(ms))}ms }`, ''].join('\n')

export const shutting = (port: number): string => [...removal(port), ''].join('\n')

const removal = (port: number): readonly string[] => [
  // Without it, a delete of what has timed out would fail.
  `add element ${table} lease { ${port} timeout 1s }`,
  `delete element ${table} lease { ${port} }`,
]
