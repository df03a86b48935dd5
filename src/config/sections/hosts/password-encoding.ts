import {choice} from '../../reading/scalar.ts'
import {describe} from '../../reading/shape.ts'
import type {Section} from '../section.ts'

export const passwordEncoding = describe('how password is written; default base64', choice(null, ['base64', 'plain']))

/** For all hosts. It is spent when the passwords are decoded, so it is not printed. */
export const passwordEncodingSection = {
  keys: {password_encoding: passwordEncoding},
  settings: () => ({}),
  document: () => ({}),
} satisfies Section
