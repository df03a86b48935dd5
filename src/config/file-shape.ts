import {section} from './reading/section.ts'
import type {Read} from './reading/shape.ts'
import type {Section} from './sections/section.ts'
import {type SectionKeys, sections} from './sections.ts'

const synonyms = Object.assign({}, ...sections.map((each: Section) => each.synonyms))

/** The whole file. Every key once: how it is read, and what an editor shows. */
export const fileShape = section(Object.assign({}, ...sections.map(({keys}) => keys)) as SectionKeys, {
  later: ['etcd', 'connector'],
  synonyms,
  ignored: /^x-/,
})
export type FileFields = Read<typeof fileShape>
