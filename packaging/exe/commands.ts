import {getCACertificates, setDefaultCACertificates} from 'node:tls'
import {type Command, Config, Plugin} from '@oclif/core'
import manifest from '../../oclif.manifest.json' with {type: 'json'}
import packageJson from '../../package.json' with {type: 'json'}

const root = '/pgroute66'

/**
 * Without a disk: package.json, the manifest and the commands are in the bundle (stands in for
 * src/app/main/commands.ts).
 */
class Bundled extends Plugin {
  override async load(): Promise<void> {
    const {name, version} = packageJson
    const commands = Object.entries(manifest.commands).map(([id, cached]) => ({
      ...cached,
      load: () => this.#classOf(id),
    }))
    const own = {
      type: 'core',
      isRoot: true,
      root,
      pjson: packageJson,
      moduleType: 'commonjs',
      name,
      alias: name,
      version,
      valid: true,
    }
    Object.assign(this, own, {
      hooks: {},
      hasManifest: true,
      manifest,
      commandIDs: Object.keys(manifest.commands),
      commands,
    })
  }

  /** esbuild takes every file that the pattern may mean. */
  async #classOf(id: string): Promise<Command.Class> {
    // The executable starts without node's own authorities (build.ts), for the sake of checks,
    // which have no use for them. Hooks and daemons have.
    if (id !== 'check') setDefaultCACertificates(getCACertificates('bundled'))
    const {default: found} = await import(`../../src/commands/${id.replaceAll(':', '/')}.ts`)
    return Object.assign(found, {id, plugin: this})
  }
}

export async function loadCommands(): Promise<Config> {
  const plugin = new Bundled({name: packageJson.name, root, isRoot: true})
  await plugin.load()
  return Config.load({root, plugins: new Map([[plugin.name, plugin]])})
}
