import { Journey } from './journey';
import { Next, ToExternalHost } from './next';
import { podsBehind } from '../cluster';
import { fieldRef } from '../field-ref';
import { portOf } from '../scope';

/**
 * A connection to the cluster IP of a Kubernetes Service, from a pod without a sidecar or from a proxy that resolves the
 * Service's name: to the gateway pods behind it. Undefined where it goes elsewhere.
 */
export function toService(
  journey: Journey,
  { from, flow, address, port, decidedBy }: ToExternalHost,
): Next | undefined {
  const { registry, addressBook } = journey.configuration;
  const service = address === undefined ? undefined : addressBook.serviceAt(address);
  if (!service) return undefined;
  const own = portOf(service, port);
  const named = `Service ${service.namespace}/${service.object.name}`;
  if (!own) {
    const causes = [fieldRef(service.object, 'spec.ports'), ...decidedBy];
    journey.step(from, `${named} has no port ${port}`, causes);
    return journey.refuse(from === 'gateway' ? 'gateway' : 'sidecar', 503, `${named} has no port ${port}`, causes);
  }
  const { endpoints, where, assumptions } = podsBehind(registry, service, own);
  for (const assumption of assumptions) journey.assume(assumption);
  journey.step(from, `→ ${named}, port ${port}`, where);
  const pods = endpoints.filter((endpoint) => endpoint.kind === 'pod');
  if (pods.length === 0) return journey.refuse(undefined, 503, `no gateway pod backs ${named}`, where);
  const pod = pods[journey.choose(pods.map(({ workload }) => ({ because: `one of ${pods.length}: ${workload.id}` })))];
  if (journey.via === 'sidecar') journey.via = 'gateway';
  return { to: 'gateway', flow, workload: pod.workload, port: pod.port };
}
