import { AccessTable, GatewayPods, MeshSettings, OutsideHost, TableConfigMap, TableSecret } from '../access/access-table';

/**
 * What the manifests meet and do not say themselves. An access table says all of it (`worldOf(table)`); without one the model
 * reads what it can from the manifests, takes the usual for granted, and names what it took for granted in its answer.
 */
export interface World {
  readonly mesh?: MeshSettings;
  /** The pods of gateways: all of them. @default - unknown; read from the manifests, or assumed for well-known names */
  readonly gateways?: readonly GatewayPods[];
  /** How outside hosts behave: all of them. @default - every host answers 200 with a good certificate */
  readonly outside?: readonly OutsideHost[];
  /** Secrets beside the manifests: all of them. @default - unknown; assumed to be there, and right */
  readonly secrets?: readonly TableSecret[];
  readonly configMaps?: readonly TableConfigMap[];
}

/** Everything that a table says about the world is all there is. */
export function worldOf(table: AccessTable): World {
  const { mesh, gateways = [], outside, secrets = [], configMaps = [] } = table;
  return { mesh, gateways, outside, secrets, configMaps };
}
