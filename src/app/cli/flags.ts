import {Flags} from '@oclif/core'

/** Flags that several commands have, with the same letter and the same words. */
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
export const caFlag = Flags.string({description: "certificates that the daemon's is signed by", helpValue: 'FILE'})
export const tokenFileFlag = Flags.string({description: 'file with a token for --url', helpValue: 'FILE'})
export const controlSocketFlag = Flags.string({
  description:
    "the daemon's control socket [default: control_socket of the configuration, /run/pgroute66/control.sock]",
  helpValue: 'PATH',
})
