import type {GateRules} from '../../core/node/guard-settings.ts'

/**
 * The text of pg_hba.conf without the lines that harepd wrote for these users and addresses:
 * exactly `host U U IP/32 METHOD`, with the method of allow or of deny. The block on top decides
 * before them, but a block that is removed would leave the last word of a harepd that no longer
 * runs. Every other line stays, with its bytes.
 */
export function withoutHarepdLines(text: string, rules: GateRules): Readonly<{text: string; removed: number}> {
  const methods = [rules.allow, rules.deny].map(escaped).join('|')
  const patterns = [...rules.readWrite, ...rules.readOnly].flatMap((user) =>
    rules.addresses.flatMap((address) => {
      const [host = '', mask] = address.split('/')
      // harepd writes /32 behind IPv6, too.
      if (mask !== '32' && !(mask === '128' && host.includes(':'))) return []
      return [
        new RegExp(`^host\\s+${escaped(user)}\\s+${escaped(user)}\\s+${escaped(host)}/32\\s+(${methods})\\r?\\n?$`),
      ]
    }),
  )
  const lines = text.split(/(?<=\n)/)
  const kept = lines.filter((line) => !patterns.some((pattern) => pattern.test(line)))
  return {text: kept.join(''), removed: lines.length - kept.length}
}

const escaped = (literal: string): string => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
