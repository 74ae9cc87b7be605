import { GatewayListener } from './gateway-listeners';
import { Server } from './gateway-servers';
import { Registry } from '../registry/registry';
import { TableSecret } from '../../access/access-table';
import { DeclaredSecret, isMade, textOfSecret } from '../../manifests/declared-secrets';
import { joinWords } from '../../manifests/indexed';
import { lackingKeys } from '../../manifests/secret-keys';
import { tlsOf } from '../../manifests/servers';

/** A server whose certificate nothing shows to be there. */
export interface MissingCertificate {
  readonly server: Server;
  /** Whether it is in files of the gateway. */
  readonly inFiles: boolean;
  /** What its Secret cannot be used for lack of. */
  readonly lacking?: string;
}

/** The Secrets of the manifests and of an access table. */
export class KnownSecrets {
  private readonly written: ReadonlyMap<string, DeclaredSecret>;
  private readonly listed: ReadonlyMap<string, TableSecret>;

  constructor({ index, world }: Registry) {
    const byName = <T extends { readonly name: string; readonly namespace: string }>(all: readonly T[]) =>
      new Map(all.map((one) => [`${one.namespace}/${one.name}`, one]));
    this.written = byName(index.secrets);
    this.listed = byName(world.secrets ?? []);
  }

  /** The servers of a listener whose certificates are not known to be there. */
  public missing(namespace: string, { chains }: GatewayListener): MissingCertificate[] {
    return [...new Set(chains.map(({ server }) => server))].flatMap((server) => this.missingOf(namespace, server));
  }

  private missingOf(namespace: string, server: Server): MissingCertificate[] {
    const { mode = '', credentialName, credentialNames = [] } = tlsOf(server.value) ?? {};
    if (!/^(SIMPLE|(OPTIONAL_)?MUTUAL)$/.test(mode)) return [];
    const names = credentialName ? [credentialName] : credentialNames;
    if (names.length === 0) return [{ server, inFiles: true }];
    // The first one is also for the certificates of authorities.
    for (const [index, name] of names.entries()) {
      const own = `${namespace}/${name}`;
      const listed = this.listed.get(own);
      const written = this.written.get(own);
      if (listed && listed.holds !== 'ca-certificates') continue;
      if (!written) return [{ server, inFiles: false }];
      const verifies = index === 0 && mode !== 'SIMPLE';
      const { missing, open } = lackingKeys(written, this.written.get(`${own}-cacert`), {
        mode: 'MUTUAL',
        insecureSkipVerify: !verifies,
      });
      // Whether a controller has made it, the manifests do not tell.
      if (missing.length + open.length === 0 && !isMade(written.from)) continue;
      // The CA certificates, and nothing else, may be in another Secret, and another tool may fill an empty one.
      const isOpen = missing.length === 0 || missing.join() === 'ca.crt' || isMade(written.from);
      return [
        {
          server,
          inFiles: false,
          ...(!isOpen && { lacking: `${textOfSecret(written)} has no ${joinWords(missing)}` }),
        },
      ];
    }
    return [];
  }
}
