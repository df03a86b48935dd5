import type {Package} from './contents.ts'

/** What the package manager runs on the host, the same in both families. */
export type Scripts = Readonly<{afterInstall: string; beforeRemove: string; afterRemove: string; afterPurge: string}>

export function scriptsOf({name, services, left, stopped, units}: Package): Scripts {
  const isBase = name === 'pgroute66'
  return {
    afterInstall: lines(
      isBase && 'if command -v systemd-sysusers > /dev/null; then systemd-sysusers pgroute66.conf; fi',
      isBase && 'if command -v systemd-tmpfiles > /dev/null; then systemd-tmpfiles --create pgroute66.conf || true; fi',
      'if [ -d /run/systemd/system ]; then',
      '  systemctl daemon-reload || true',
      // A stopped one stays stopped: it has no configuration yet.
      ...services.flatMap((unit) => [
        '  # A running service gets the new program. A stopped one stays stopped.',
        `  systemctl try-restart ${unit} || true`,
      ]),
      ...left.flatMap((unit) => [
        `  if systemctl --quiet is-active ${unit}; then`,
        `    echo "${unit} goes on with the program of before. Its restart shuts the gates: choose the moment." >&2`,
        '  fi',
      ]),
      'fi',
    ),
    beforeRemove:
      units.length === 0
        ? ''
        : lines(
            'if [ -d /run/systemd/system ]; then',
            `  systemctl disable ${units.join(' ')} || true`,
            stopped.length > 0 &&
              `  systemctl stop ${[...stopped].sort((a, b) => rank(a) - rank(b)).join(' ')} || true`,
            'fi',
            left.length > 0 &&
              `echo 'The gates of this host stay shut, also without the guard: docs/guard.md, "Take the guard away".' >&2`,
          ),
    afterRemove: 'if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n',
    afterPurge: isBase
      ? lines(
          'rm -rf /var/lib/pgroute66 /var/log/pgroute66',
          '# The configuration belongs to the operator: remove the folder only if it is empty.',
          'rmdir /etc/pgroute66 2> /dev/null || true',
        )
      : '',
  }
}

/** A socket that stays would start its service again. */
const rank = (unit: string): number => (unit.endsWith('.service') ? 1 : 0)

const lines = (...texts: readonly (string | false)[]): string =>
  `${texts.filter((text) => text !== false).join('\n')}\n`
