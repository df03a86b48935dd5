import {Flags} from '@oclif/core'
import {TextCommand} from '../app/cli/command.ts'
import {pgafSql, repmgrSql, roleSql} from '../config/libpq/role-sql.ts'
import {loadConfig} from '../config/load.ts'
import {starter} from '../config/printing/starter.ts'
import {availabilityDefaults} from '../config/sections/availability.ts'
import {monitorDefaults} from '../config/sections/groups/pgaf.ts'
import {repmgrDefaults} from '../config/sections/groups/repmgr.ts'

export default class Init extends TextCommand {
  static override summary = 'Print a commented configuration to start with, or the SQL for the smallest role.'
  static override description =
    'Prints to stdout and changes nothing. Prints no password: name a password_file, or use ~/.pgpass.'
  static override usage = 'init [DSN...] [--sql [--availability] [--repmgr] | --sql --pgaf]'
  static override examples = [
    '<%= config.bin %> init postgres://pgroute66@db1,db2,db3/postgres > pgroute66.yml',
    '<%= config.bin %> init --sql | psql -h db1',
  ]
  static override strict = false
  static override flags = {
    sql: Flags.boolean({description: 'print the SQL for the role instead'}),
    repmgr: Flags.boolean({
      description: "with --sql: also what reads repmgr's table, on the witness too",
      dependsOn: ['sql'],
    }),
    pgaf: Flags.boolean({
      description: 'with --sql: the SQL for the monitor of pg_auto_failover, by itself',
      dependsOn: ['sql'],
      exclusive: ['availability', 'repmgr'],
    }),
    availability: Flags.boolean({description: 'with --sql: also what the heartbeat needs', dependsOn: ['sql']}),
  }

  async run(): Promise<void> {
    const {flags, argv} = await this.parse(Init)
    const dsns = argv as string[]
    const config = dsns.length > 0 ? await loadConfig({dsns, env: process.env, cwd: process.cwd()}) : null
    if (!flags.sql) return this.log(starter(config).trimEnd())
    const {user, dbname} = config?.hosts[0]?.connection ?? {user: 'pgroute66', dbname: 'postgres'}
    if (flags.pgaf) return this.log(pgafSql(user, monitorDefaults.dbname).trimEnd())
    const sql = roleSql(user, dbname, flags.availability ? availabilityDefaults.table : null)
    this.log(`${sql}${flags.repmgr ? repmgrSql(user, repmgrDefaults) : ''}`.trimEnd())
  }
}
