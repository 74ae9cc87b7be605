import { isIP } from 'net';
import {
  AccessTable,
  GatewayPods,
  MeshSettings,
  ExternalHost,
  requestHost,
  TableConfigMap,
  TableSecret,
} from '../access/access-table';

/**
 * What the manifests meet and do not say themselves. An access table says all of it (`worldOf(table)`); without one the
 * model reads what it can from the manifests, takes the usual for granted, and names what it took for granted in its
 * answer.
 */
export interface World {
  readonly mesh?: MeshSettings;
  /** Who sees objects that do not say it, as the mesh configuration has it. @default - everybody */
  readonly defaultExportTo?: Partial<Record<'services' | 'virtualServices' | 'destinationRules', readonly string[]>>;
  /** The pods of gateways: all of them. @default - unknown; read from the manifests, or assumed for well-known names */
  readonly gateways?: readonly GatewayPods[];
  /** How external hosts behave: all of them. @default - every host answers 200 with a good certificate */
  readonly external?: readonly ExternalHost[];
  /** Secrets beside the manifests: all of them. @default - unknown; assumed to be there, and right */
  readonly secrets?: readonly TableSecret[];
  readonly configMaps?: readonly TableConfigMap[];
}

/**
 * Everything that a table says about the world is all there is. Hosts without an address get one, and so does whoever
 * is dialled.
 */
export function worldOf(table: AccessTable): World {
  const { mesh, gateways = [], external, secrets = [], configMaps = [], access = [] } = table;
  const given = new Set(external.flatMap((host) => host.address ?? []));
  const dialled = access.flatMap((row) =>
    [row.dial, requestHost(row)].filter((at): at is string => at !== undefined && isIP(at) === 4),
  );
  const taken = new Set([...given, ...dialled]);
  let last = 9;
  const free = () => {
    do last++;
    while (taken.has(`203.0.113.${last}`));
    return `203.0.113.${last}`;
  };
  const strays = [...new Set(dialled)].filter((address) => !given.has(address));
  return {
    mesh,
    gateways,
    external: [
      ...external.map((host) => ({ ...host, address: host.address ?? free() })),
      ...strays.map((address, index): ExternalHost => ({
        host: `stray-${index}.invalid`,
        address,
        http: 'ok',
        https: 'ok',
      })),
    ],
    secrets,
    configMaps,
  };
}
