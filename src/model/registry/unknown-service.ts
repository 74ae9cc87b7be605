import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { managedGatewayOf } from './gateway-api';
import { Registry } from './registry';
import { Undetermined } from '../answer/undetermined';
import { domainOfServiceHost } from '../../istio/service-names';

/** Makes the answer undetermined where a destination that no object declares may be a Service of the cluster. */
export function stopAtUnknownService(registry: Registry, host: string, decidedBy: readonly FieldRef[]): void {
  const gateway = managedGatewayOf(registry, host);
  if (gateway)
    throw new Undetermined(
      `${host} is the Service of Gateway ${gateway.namespace}/${gateway.name} of the Gateway API, which the model ` +
        'does not support yet',
      [fieldRef(gateway), ...decidedBy],
    );
  const domain = domainOfServiceHost(host);
  if (domain === undefined || domain === registry.clusterDomain || registry.world.mesh?.clusterDomain) return;
  throw new Undetermined(
    `${host} is a Kubernetes Service only if the cluster's domain is ${domain}: say so with \`clusterDomain\` in an ` +
      'access table, or with --mesh and Helm values (global.proxy.clusterDomain)',
    decidedBy,
  );
}
