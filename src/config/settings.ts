import type {Config} from './config.ts'
import type {FileFields} from './file-shape.ts'
import type {Context} from './sections/context.ts'
import {type SectionSettings, sections} from './sections.ts'

/**
 * From what was read to what the rest of the program uses. Section by section, so that problems
 * come in the order of the keys.
 */
export async function settingsFrom(
  fields: FileFields,
  context: Context,
): Promise<Omit<Config, 'path' | 'learned' | 'warnings'>> {
  const settings: object[] = []
  for (const section of sections) settings.push(await section.settings(fields, context))
  return Object.assign({}, ...settings) as SectionSettings
}
