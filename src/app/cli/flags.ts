import {Flags} from '@oclif/core'

/** Flags that several commands share, with the same letter and the same description. */
export const configFlag = Flags.string({
  char: 'c',
  description: 'configuration file [default: $PGROUTE66CONFIG, ./pgroute66.yml, /etc/pgroute66/config.yaml]',
  helpValue: 'FILE',
})
export const jsonFlag = Flags.boolean({description: 'print one JSON document', exclusive: ['format']})
export const socketFlag = Flags.string({
  description:
    "the daemon's unix socket [default: $PGROUTE66_SOCKET, socket of the configuration, /run/pgroute66/pgroute66.sock]",
  helpValue: 'PATH',
})
export const urlFlag = Flags.string({description: 'the API of a running daemon', helpValue: 'URL'})
export const caFlag = Flags.string({
  description: "certificates of the authority that signed the daemon's certificate",
  helpValue: 'FILE',
})
export const tokenFileFlag = Flags.string({description: 'file that holds the token for --url', helpValue: 'FILE'})
export const controlSocketFlag = Flags.string({
  description:
    "the daemon's control socket [default: control_socket of the configuration, /run/pgroute66/control.sock]",
  helpValue: 'PATH',
})
