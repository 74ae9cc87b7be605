import { Leg } from './journey';
import { Next, ToExternalHost } from './next';
import { ipAddress } from '../objects/addresses';
import { endpointText, podsBehind } from '../proxies/endpoints';
import { fieldRef } from '../answer/field-ref';
import { Service } from '../objects/service';
import { portOf } from '../registry/scope';

/**
 * A connection to the cluster IP of a Kubernetes Service, from a pod without a sidecar or from a proxy that resolves
 * the Service's name: to the gateway pods behind it. Undefined where it goes elsewhere.
 */
export function toService(
  leg: Leg,
  { from, flow, address, port, proxyProtocol, decidedBy }: ToExternalHost,
): Next | undefined {
  const { registry, addressBook } = leg.configuration;
  const service = address === undefined ? undefined : addressBook.serviceAt(address);
  if (!service) return undefined;
  const own = portOf(service, port);
  const named = `Service ${service.namespace}/${service.object.name}`;
  if (!own) {
    const causes = [fieldRef(service.object, 'spec.ports'), ...decidedBy];
    leg.step(from, 'ends', `${named} has no port ${port}`, causes);
    return leg.refuse(from === 'gateway' ? 'gateway' : 'sidecar', 503, `${named} has no port ${port}`, causes);
  }
  requireNode(leg, service);
  const { endpoints, where, assumptions } = podsBehind(registry, service, own);
  for (const assumption of assumptions) leg.assume(assumption);
  leg.step(from, 'forwards', `→ ${named}, port ${port}`, where);
  if (endpoints.length === 0) return leg.refuse(undefined, 503, `no gateway pod backs ${named}`, where);
  const endpoint = leg.oneOf(endpoints, (one) => `one of ${endpoints.length}: ${endpointText(one)}`)!;
  if (endpoint.kind === 'pod') {
    if (leg.via === 'sidecar') leg.via = 'gateway';
    return { to: 'gateway', flow, workload: endpoint.workload, port: endpoint.port, proxyProtocol, decidedBy: where };
  }
  if (endpoint.kind !== 'host') return undefined;
  const { host } = endpoint;
  return {
    to: 'host',
    from,
    flow,
    address: ipAddress(host),
    name: host,
    port: endpoint.port,
    service,
    proxyProtocol,
    decidedBy: where,
  };
}

/** Where a Service leads only to pods on the node of whoever calls it, one must be there. */
export function requireNode(leg: Leg, service: Service): void {
  if (!service.kubernetes || service.object.spec.internalTrafficPolicy !== 'Local') return;
  // An access table says nothing of nodes, and its gateways are where their callers are.
  if (leg.configuration.addressBook.isComplete) return;
  const named = `Service ${service.namespace}/${service.object.name}`;
  leg.require({
    holds: `a pod of ${named} runs on the node from which it is called`,
    say: 'leave out its internalTrafficPolicy',
  });
}
