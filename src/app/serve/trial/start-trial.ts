import {configuredCertificates} from '../../../config/certificates.ts'
import type {Config} from '../../../config/config.ts'
import type {Problem} from '../../../config/reading/problem.ts'
import {tryFiles} from './files.ts'
import {Findings} from './findings.ts'
import {tryPorts} from './ports.ts'

/**
 * `config check`: what `serve` would refuse, or could not do. Tries the ports for a moment; writes and
 * makes nothing. `refused`: the problems that were found before; what they are about is not tried.
 * `inForce`: what this very process works by, where it is the daemon.
 */
export async function startTrial(
  config: Config,
  refused: readonly Problem[],
  inForce: Config | null = null,
): Promise<Findings> {
  const findings = new Findings(refused)
  await tryFiles(config, findings)
  await tryPorts(config, findings, inForce)
  // Takes 10 ms to load, and only TLS needs it.
  if (configuredCertificates(config).length > 0)
    await (await import('./certificates.ts')).tryCertificates(config, findings)
  return findings
}
