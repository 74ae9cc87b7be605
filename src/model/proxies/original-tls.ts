import { ClientTls, isMutualTlsOff, TLS_MODE } from './client-tls';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { Service, ServicePort } from '../objects/service';
import { Registry } from '../registry/registry';
import { labelsOf } from '../requests/request';
import { podTemplateOf } from '../../istio/pod-templates';
import { isExternal } from '../../manifests/entries';
import { selects } from '../../manifests/selectors';
import { stopAtUnwrittenEndpoints } from './endpoints';
import { Chosen } from './settings';

/**
 * The mutual TLS that a sidecar uses by itself where it connects to the address that was dialled, whoever is there. Only
 * where the service itself, or a policy for all its ports, has it connect there does istiod ask whether the endpoints
 * have sidecars.
 */
export function automaticTlsToOriginal(
  registry: Registry,
  service: Service,
  port: ServicePort,
  { rule, subset }: Chosen,
): ClientTls | undefined {
  if (!service.kubernetes && isExternal(service.object)) return undefined;
  if (isMutualTlsOff(registry, service.namespace, undefined, port.number)) return undefined;
  const policy = subset ? subset.value.trafficPolicy : rule?.policy?.value;
  const isAsked = service.resolution === 'NONE' || policy?.loadBalancer?.simple === 'PASSTHROUGH';
  if (isAsked && !haveSidecars(registry, service, port)) return undefined;
  return {
    value: { mode: 'ISTIO_MUTUAL' },
    object: service.object,
    field: service.kubernetes ? 'spec.ports' : 'spec.location',
  };
}

/** Whether a port of a service has endpoints, and all of them sidecars. */
function haveSidecars(registry: Registry, service: Service, port: ServicePort): boolean {
  const { index, workloads, world } = registry;
  const { namespace, object } = service;
  const own = service.kubernetes ? service.object.spec.selector : undefined;
  const selectors = registry.siblings(service).flatMap((one) => {
    const wanted = one.kubernetes ? one.object.spec.selector : one.object.spec.workloadSelector?.labels;
    return wanted ? [wanted] : [];
  });
  const given = [
    ...registry.endpointsGivenTo(service, port),
    // Those of a headless Service are pods alone.
    ...(own && service.resolution !== 'NONE'
      ? registry.workloadEntries(namespace, own).map(({ endpoint }) => endpoint)
      : []),
  ];
  const isSelected = (pod: { readonly namespace: string; readonly labels?: Record<string, string> }) =>
    pod.namespace === namespace && selectors.some((wanted) => selects({ ...wanted }, pod.labels));
  // Gateways have no sidecar, and neither has whoever is only written down.
  if (
    given.some(
      ({ labels, serviceAccount }) => (labels?.[TLS_MODE] ?? (serviceAccount ? '' : 'disabled')) === 'disabled',
    ) ||
    workloads.some(isSelected) ||
    (service.kubernetes && registry.addressesWrittenFor(service, port).length > 0)
  )
    return false;
  if (service.kubernetes && !own) stopAtUnwrittenEndpoints(registry, service);
  const callers = world.workloads?.map((caller) => ({ ...caller, labels: labelsOf(caller) })).filter(isSelected);
  const isKnown =
    selectors.length === 0 ||
    (callers &&
      world.gateways &&
      !index.podTemplates.some(({ namespace: where, manifest }) =>
        isSelected({ namespace: where, labels: podTemplateOf(manifest)?.metadata?.labels }),
      ));
  if (!isKnown)
    throw new Undetermined(
      `a sidecar sends what is for ${service.host} to whatever address was dialled, with mutual TLS if all its pods ` +
        'have sidecars',
      [fieldRef(object, service.kubernetes ? 'spec.selector' : 'spec.workloadSelector')],
    );
  return given.length + (callers?.length ?? 0) > 0;
}
