import { Manifest } from './egress-object';
import { TlsSettings } from './specs';

interface SecretObject {
  readonly manifest: Manifest;
}

/**
 * The keys that a proxy needs of the Secret of a credentialName and that it lacks. An empty Secret is left to be filled
 * by another tool.
 *
 * @param authorities other Secrets that may hold the CA certificates
 * @param tls the settings that name it: MUTUAL needs a client certificate, and what is verified needs authorities
 */
export function missingKeys(
  secret: SecretObject,
  authorities: readonly SecretObject[],
  { mode, insecureSkipVerify }: Pick<TlsSettings, 'mode' | 'insecureSkipVerify'>,
): string[] {
  const has = keysOf(secret);
  if (has.size === 0) return [];
  const missing: string[] = [];
  if (mode === 'MUTUAL' && !(has.has('cert') && has.has('key')))
    missing.push(...['tls.crt', 'tls.key'].filter((key) => !has.has(key)));
  if (
    !insecureSkipVerify &&
    ![secret, ...authorities].some((one) => keysOf(one).has('ca.crt') || keysOf(one).has('cacert'))
  )
    missing.push('ca.crt');
  return missing;
}

/** The keys under which it has something. */
export function keysOf({ manifest }: SecretObject): Set<string> {
  return new Set(
    Object.entries({ ...manifest.data, ...manifest.stringData })
      .filter(([, value]) => value !== '')
      .map(([key]) => key),
  );
}
