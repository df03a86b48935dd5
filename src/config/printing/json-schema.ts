import {fileShape} from '../file-shape.ts'
import type {JsonSchema} from '../reading/shape.ts'

/**
 * For editors: completion, and mistakes in one key. `config check` finds those across several keys.
 */
export const configSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:pgroute66:configuration',
  title: 'pgroute66 configuration',
  ...fileShape.schema,
  required: ['hosts'],
}
