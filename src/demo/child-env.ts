/**
 * What a server and its tools get of our environment: PG* variables would change where they look
 * and what they do, and texts in another language could not be read by whoever helps.
 */
export function childEnv(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'))
  return {...Object.fromEntries(ours), LC_ALL: 'C'}
}
