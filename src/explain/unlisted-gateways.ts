import { AccessTable } from '../access/access-table';
import { podTemplateOf, serviceAccountOf } from '../istio/pod-templates';
import { selects } from '../manifests/selectors';
import { ServiceSpec } from '../manifests/specs';
import { EgressObject } from '../model';
import { STANDARD_PORT } from '../model/objects/gateways/standard';
import { GATEWAY_LABEL } from '../values/gateway-label';

/**
 * What to add to a table that does not list the gateway of an `EgressGateway` in the manifests. A table is complete, and
 * the mesh makes its pods from it, so none is taken from elsewhere.
 */
export function unlistedGateways(objects: readonly EgressObject[], { gateways = [] }: AccessTable): string[] {
  return objects.flatMap(({ manifest }) => {
    if (manifest?.kind !== 'Deployment') return [];
    const template = podTemplateOf(manifest);
    const { metadata } = template ?? {};
    const label = metadata?.labels?.[GATEWAY_LABEL];
    const { name, namespace = 'default' } = manifest.metadata;
    const isListed = gateways.some((one) => one.namespace === namespace && selects(one.labels, metadata?.labels));
    if (label === undefined || isListed) return [];
    const ports = objects.flatMap((one): ServiceSpec['ports'] & {} => {
      const service = one.manifest?.kind === 'Service' ? (one.manifest.spec as ServiceSpec | undefined) : undefined;
      return service?.selector?.[GATEWAY_LABEL] === label ? (service.ports ?? []) : [];
    });
    const port = ports.find((one) => one.port === 443)?.targetPort ?? STANDARD_PORT;
    return [
      `the table does not list the gateway of Deployment ${namespace}/${name}; under gateways: ` +
        `- { namespace: ${namespace}, labels: { ${GATEWAY_LABEL}: ${label} }, ` +
        `serviceAccount: ${serviceAccountOf(template)}, targetPort: ${port} }`,
    ];
  });
}
