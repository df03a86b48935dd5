import {readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {expect, test} from 'vitest'

const source = join(import.meta.dirname, '..', '..', 'src')

/** What is loaded with a module at once: it and what it imports, types and `await import` aside. */
function loadedWith(file: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(file)) return known
  known.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type)[^'\n]*(?:\n[^'\n]*)*?from '(\.[^']+)'/gm,
  )
  for (const [, to = ''] of imports) loadedWith(join(dirname(file), to), known)
  return known
}

test('a single serve loads nothing of a set', () => {
  const loaded = [...loadedWith(join(source, 'app/serve/serve.ts'))].map((file) => file.slice(source.length + 1))
  expect(loaded).toContain('monitor/monitor.ts')
  expect(loaded.filter((file) => /^(cluster|sources\/shared)\//.test(file))).toEqual([])
})
