import type {Config} from '../config.ts'
import type {Fields} from '../reading/section.ts'
import type {Context} from './context.ts'
import type {Document} from './document.ts'

/**
 * One subject of the configuration, in one file: its keys, what they become, and how they are
 * printed. A new subject is a file of this kind and a line in ../sections.ts.
 */
export type Section = Readonly<{
  /** Top-level keys of the file, in the order in which they are read and shown. */
  keys: Fields
  /** Another program's name for one of the keys. */
  synonyms?: Readonly<Record<string, string>>
  /**
   * From what was read to settings: defaults that depend on other keys, and the rules across keys.
   * `fields` may also name keys of other sections. Problems go to the report; it never throws.
   */
  settings: (fields: never, context: Context) => object | Promise<object>
  /** The section as `config show` prints it, in the words of the file. A `null` is left out. */
  document: (config: Config) => Document
}>
