import type {Config} from '../config.ts'
import {type Document, given} from '../sections/document.ts'
import {sections} from '../sections.ts'

/**
 * The configuration as it is used, in the words of the file, every default written out and every
 * secret masked.
 */
export const effective = (config: Config): Document =>
  given(Object.assign({}, ...sections.map(({document}) => document(config))))
