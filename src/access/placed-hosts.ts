import { isIP } from 'net';
import { AccessTable, ExternalHost, requestHost } from './access-table';

/** An external host with its addresses. */
export interface PlacedHost extends ExternalHost {
  /** Its first address. */
  readonly address: string;
  /** One, or in a dual-stack mesh one of each family. */
  readonly addresses: readonly string[];
}

/**
 * The hosts of a table, each with the address that the table gives or with free ones, and the addresses that rows dial
 * and no host has.
 */
export function placedHosts({ mesh, external, access = [] }: Pick<AccessTable, 'mesh' | 'external' | 'access'>): {
  readonly hosts: PlacedHost[];
  readonly strays: string[];
} {
  const given = new Set(external.flatMap((host) => host.address ?? []));
  const dialled = access.flatMap((row) =>
    [row.dial, requestHost(row)].filter((at): at is string => at !== undefined && isIP(at) !== 0),
  );
  const taken = new Set([...given, ...dialled]);
  let last = 9;
  const free = (): string[] => {
    for (;;) {
      last++;
      const both = [`203.0.113.${last}`, ...(mesh?.dualStack ? [`2001:db8::${last.toString(16)}`] : [])];
      if (!both.some((address) => taken.has(address))) return both;
    }
  };
  const hosts = external.map((host) => {
    const addresses = host.address === undefined ? free() : [host.address];
    return { ...host, address: addresses[0], addresses };
  });
  return { hosts, strays: [...new Set(dialled)].filter((at) => !given.has(at)) };
}
