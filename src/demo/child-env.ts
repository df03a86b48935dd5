/**
 * The environment of a server and its tools. PG* variables would change their behaviour, and
 * messages in another language could not be matched.
 */
export function childEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'))
  return {...Object.fromEntries(kept), LC_ALL: 'C'}
}
