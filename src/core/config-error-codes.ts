/** What an error code means to an operator. Sentences in Markdown; a command stands in backticks. */
export type ErrorText = Readonly<{meaning: string; next: string}>

/** The error codes of a configuration: a part of `errorGuide`. */
export const configErrorGuide = {
  CONFIG_INVALID: {
    meaning: 'The configuration has several problems. With `--json`, each has its own code.',
    next: 'Correct each problem in the list, then run `pgroute66 config check`.',
  },
  CONFIG_NOT_FOUND: {
    meaning: 'The configuration file does not exist.',
    next: 'Name the file with `-c`, or create one with `pgroute66 init`.',
  },
  CONFIG_UNREADABLE: {
    meaning: 'The configuration file cannot be read.',
    next: 'Give this user permission to read the file.',
  },
  CONFIG_FOREIGN: {
    meaning: 'Another user may have written the `pgroute66.yml` of the working folder.',
    next: 'Read the file. If it is yours, name it with `-c`, or let only this user and root write there.',
  },
  CONFIG_SECRET_OPEN: {
    meaning: 'Every user of the machine can read the file of a secret that lets its reader give orders.',
    next: 'Run `chmod o-r` on the file that the message names. Replace the tokens: other users may have read them.',
  },
  CONFIG_NOT_A_FILE: {
    meaning: 'The path of the configuration is a directory.',
    next: 'Name the file in the directory.',
  },
  CONFIG_NOT_TEXT: {
    meaning: 'The configuration file is not UTF-8 text.',
    next: 'Save the file as UTF-8, or name the right file.',
  },
  CONFIG_TOO_LARGE: {
    meaning: 'The configuration file is larger than 4 MB, or its YAML aliases expand to too much.',
    next: 'Check that this is the right file. Write the values out instead of aliases.',
  },
  CONFIG_EMPTY: {
    meaning: 'The configuration file is empty.',
    next: 'Fill the file: `pgroute66 init` prints an example.',
  },
  CONFIG_YAML: {meaning: 'The configuration is not valid YAML.', next: 'Correct the line that the message names.'},
  CONFIG_CLUSTER: {
    meaning: '`cluster` is set, and a part of the configuration cannot be shared by instances.',
    next: 'Do what the message says. `docs/scale.md` lists what a set shares.',
  },
  CONFIG_TYPE: {
    meaning: 'A key has a value of the wrong kind, for example a list instead of a text.',
    next: 'Write the value in the form that the message shows.',
  },
  CONFIG_VALUE: {
    meaning: 'A key has a value that is not allowed.',
    next: 'Write one of the values that the message allows.',
  },
  CONFIG_UNIT: {
    meaning: 'A duration or a size has no unit, an unknown unit, or is too large.',
    next: 'Write a number and a unit: `500ms`, `2s`, `16MB`.',
  },
  CONFIG_UNKNOWN_KEY: {
    meaning: 'The configuration or a connection string has an unknown key.',
    next: 'Correct the spelling. `pgroute66 config schema` prints all keys.',
  },
  CONFIG_NOT_SUPPORTED: {
    meaning: 'This version of pgroute66 knows the key or the value, but does not support it yet.',
    next: 'Remove the key or the value.',
  },
  CONFIG_MISSING: {meaning: 'A required key is missing.', next: 'Add the key that the message names.'},
  CONFIG_CONFLICT: {meaning: 'Two settings exclude each other.', next: 'Remove one of the two.'},
  CONFIG_NAME: {
    meaning: 'The name of a host or a group is not allowed or reserved.',
    next: 'Choose another name: letters, digits, `_`, `.` and `-`, at most 63 characters.',
  },
  CONFIG_UNKNOWN_HOST: {
    meaning: 'A group names a host that the configuration does not have.',
    next: 'Correct the name, or add the host to `hosts`.',
  },
  CONFIG_UNKNOWN_GROUP: {
    meaning: 'A setting names a group that the configuration does not have.',
    next: 'Correct the name, or add the group to `groups`.',
  },
  CONFIG_DSN: {
    meaning: 'A connection string cannot be parsed.',
    next: 'Write it as libpq expects it. In a URI, encode special characters as %XX.',
  },
  CONFIG_SERVICE: {
    meaning: 'A connection names a service that no `pg_service.conf` defines, or that cannot be read.',
    next: 'Correct the name or the file. `PGSERVICEFILE` names another file.',
  },
  CONFIG_BASE64: {
    meaning: 'A password is not base64 of a text.',
    next: 'Encode the password as base64, or set `password_encoding: plain`.',
  },
  CONFIG_PASSWORD_FILE: {
    meaning: 'A password file cannot be read.',
    next: 'Give this user permission to read the file.',
  },
  CONFIG_PEM: {
    meaning: 'A certificate or key is not PEM, or not base64 of PEM.',
    next: 'Copy the whole file, from the BEGIN line to the END line.',
  },
  CONFIG_PEM_MISMATCH: {
    meaning: 'The certificate and the key of `ssl` do not belong together.',
    next: 'Use the key that the certificate was made with.',
  },
  CONFIG_PEM_SWAPPED: {meaning: 'The certificate and the key of `ssl` are swapped.', next: 'Swap the two values.'},
  CONFIG_MAX_AGE: {
    meaning: '`probe.max_age` is too short: an answer would be stale before the next one arrives.',
    next: 'Set `probe.max_age` to the value that the message names, or more.',
  },
  CONFIG_CONFIRM: {
    meaning: 'A group with a single host requires a confirmation that no other host can give.',
    next: 'Add hosts, or remove `confirm`.',
  },
  CONFIG_NO_EVIDENCE: {
    meaning: '`on_split_brain` is `follow-evidence`, but no required confirmation names a host: `majority` names none.',
    next: 'Add `followers` to `confirm`, or set `on_split_brain: refuse`.',
  },
  CONFIG_HOLD: {
    meaning: 'A hold of `on_silent` is too long, or for a source that cannot be held.',
    next: 'Set `hold` below `failover_after`, and only for repmgr, pgaf, patroni and peers.',
  },
} as const satisfies Readonly<Record<string, ErrorText>>
