import { ApiObjectMetadata } from 'cdk8s';
import { HOP_PORT } from './names';
import { GatewayInstallation } from '../../values/gateway-installation';
import { Rank, RecipeObject } from '../recipe';

/**
 * The Service by which sidecars reach the gateway's pods: one port, and a name that no other DestinationRule is for.
 */
export function hopService(id: string, installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject {
  const { hopServiceName, namespace, labels, targetPort } = installation;
  return {
    id,
    kind: { apiVersion: 'v1', kind: 'Service' },
    side: 'gateway',
    rank: Rank.LAST,
    metadata: { ...given, name: hopServiceName, namespace },
    spec: () => ({
      type: 'ClusterIP',
      selector: labels,
      ports: [{ name: 'tls', port: HOP_PORT, targetPort, protocol: 'TCP' }],
    }),
  };
}
