import {Flags} from '@oclif/core'
import {configFlag} from '../cli/flags.ts'

/** How a command finds the cluster, the same for every `patroni` command. */
export const siteFlags = {
  config: configFlag,
  group: Flags.string({
    char: 'g',
    description: 'group of the configuration [default: the one with patroni]',
    helpValue: 'NAME',
  }),
  url: Flags.string({
    multiple: true,
    description: 'REST API of any member; several: where one is silent',
    helpValue: 'http://HOST:8008',
    exclusive: ['etcd'],
  }),
  etcd: Flags.string({
    multiple: true,
    description: "endpoint of the etcd that holds Patroni's keys; needs --scope",
    helpValue: 'http://HOST:2379',
    dependsOn: ['scope'],
  }),
  scope: Flags.string({description: "the cluster's name in etcd", helpValue: 'NAME', dependsOn: ['etcd']}),
  namespace: Flags.string({description: "where Patroni's keys begin [default: /service]", helpValue: 'PATH'}),
  'etcd-api': Flags.option({
    options: ['v3', 'v2'] as const,
    description: "v2 for Patroni's etcd:, v3 for its etcd3: [default: v3]",
  })(),
  'etcd-user': Flags.string({description: 'user of etcd', dependsOn: ['etcd']}),
  'etcd-password-file': Flags.string({
    description: "file that holds this user's password",
    helpValue: 'FILE',
    dependsOn: ['etcd-user'],
  }),
  ca: Flags.string({description: 'certificates of the authority of Patroni and etcd', helpValue: 'FILE'}),
  cert: Flags.string({description: 'own certificate, for Patroni and etcd', helpValue: 'FILE', dependsOn: ['key']}),
  key: Flags.string({description: 'key of --cert', helpValue: 'FILE', dependsOn: ['cert']}),
  user: Flags.string({description: "user of Patroni's REST API", dependsOn: ['password-file']}),
  'password-file': Flags.string({
    description: "file that holds this user's password",
    helpValue: 'FILE',
    dependsOn: ['user'],
  }),
}

export const formats = ['table', 'json', 'yaml', 'tsv'] as const
export type Format = (typeof formats)[number]

export const formatFlags = {
  format: Flags.option({options: formats, description: 'how to print [default: table]', exclusive: ['json']})(),
  json: Flags.boolean({description: 'as --format json'}),
}

/** How `list` and `topology` print. */
export const listFlags = {
  ...formatFlags,
  extended: Flags.boolean({char: 'e', description: 'every column'}),
  timestamp: Flags.boolean({char: 't', description: 'the time before the table'}),
  watch: Flags.boolean({char: 'W', description: 'again and again, until Ctrl-C'}),
  interval: Flags.string({description: 'time between two looks with -W', helpValue: '2s', default: '2s'}),
}

export const formatOf = ({format, json}: Readonly<{format?: Format | undefined; json: boolean}>): Format =>
  json ? 'json' : (format ?? 'table')

export const yesFlag = Flags.boolean({char: 'y', description: 'do not ask first'})
