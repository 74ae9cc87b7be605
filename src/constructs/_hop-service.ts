import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { HOP_PORT } from './_gateway-egress-path';
import { GatewayInstallation } from '../values/gateway-installation';

/**
 * The Service by which sidecars reach the gateway's pods: one port, and a name that no other DestinationRule is for.
 */
export function hopService(
  owner: Construct,
  id: string,
  installation: GatewayInstallation,
  metadata: ApiObjectMetadata,
): ApiObject {
  const { hopServiceName, namespace, labels, targetPort } = installation;
  return AppScope.of(owner).emitKubernetes(owner, owner, id, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name: hopServiceName, namespace },
    spec: {
      type: 'ClusterIP',
      selector: labels,
      ports: [{ name: 'tls', port: HOP_PORT, targetPort, protocol: 'TCP' }],
    },
  });
}
