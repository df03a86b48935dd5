import {TextCommand} from '../../app/cli/command.ts'
import {configSchema} from '../../config/printing/json-schema.ts'

export default class ConfigSchema extends TextCommand {
  static override summary = 'Print the JSON Schema of the configuration, for editors.'

  async run(): Promise<void> {
    await this.parse(ConfigSchema)
    this.log(JSON.stringify(configSchema, null, 2))
  }
}
