import packageJson from '../../package.json' with {type: 'json'}

/** Stands in for src/app/cli/version.ts, which reads it from the disk. */
export const ownVersion = (): string => packageJson.version
