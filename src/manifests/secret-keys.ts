import { DeclaredSecret } from './declared-secrets';
import { TlsSettings } from './specs';

export interface LackingKeys {
  /** That the Secret does not have. */
  readonly missing: readonly string[];
  /** That it may have. */
  readonly open: readonly string[];
}

/**
 * The keys that a proxy needs of the Secret of a credentialName and that nothing shows in it.
 *
 * @param authorities the Secret that may hold the CA certificates, if there is one
 * @param tls the settings that name it: MUTUAL needs a client certificate, and what is verified needs authorities
 */
export function lackingKeys(
  secret: DeclaredSecret,
  authorities: DeclaredSecret | undefined,
  { mode, insecureSkipVerify }: Pick<TlsSettings, 'mode' | 'insecureSkipVerify'>,
): LackingKeys {
  const missing: string[] = [];
  const open: string[] = [];
  const lack = (key: string, holders: readonly DeclaredSecret[]) =>
    void (holders.some(({ mayHave }) => mayHave(key)) ? open : missing).push(key);
  if (mode === 'MUTUAL' && !(secret.keys.has('cert') && secret.keys.has('key')))
    for (const key of ['tls.crt', 'tls.key']) if (!secret.keys.has(key)) lack(key, [secret]);
  const holders = authorities ? [secret, authorities] : [secret];
  if (!insecureSkipVerify && !holders.some(({ keys }) => keys.has('ca.crt') || keys.has('cacert')))
    lack('ca.crt', holders);
  return { missing, open };
}
