import { Chosen, policiesOf } from './settings';
import { FieldRef } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { Registry } from '../registry/registry';
import { Scope } from '../registry/scope';
import { Destination } from '../routes/destination';
import { END_OF_LINE, isKnownDuration, LONGEST_HEADER } from '../../istio/envoy';
import { TrafficPolicy } from '../../manifests/specs';

type ConsistentHash = NonNullable<NonNullable<TrafficPolicy['loadBalancer']>['consistentHash']>;

/** By what a route hashes: the first that says it, of the port of the subset, the subset, the port, and the host. */
export function hashFor(chosen: Chosen): { readonly value: ConsistentHash; readonly where: FieldRef } | undefined {
  for (const { policy, where } of policiesOf(chosen)) {
    const ofPort = policy?.portLevelSettings?.find((one) => one.port?.number === chosen.port);
    const value = ofPort?.loadBalancer?.consistentHash ?? policy?.loadBalancer?.consistentHash;
    if (value) return { value, where: where() };
  }
  return undefined;
}

/** Why Envoy rejects the routes of a port that lead to a destination: by what they hash. */
export function hashRejectionOf(
  { destinationRules }: Registry,
  { proxy, services }: Scope,
  { host, port, subset }: Destination,
): Undetermined | undefined {
  const service = services.get(host);
  if (!service) return undefined;
  const rule = destinationRules.ruleFor(proxy.namespace, proxy.labels, host, service.namespace);
  const found = hashFor({ rule, subset: subset === undefined ? undefined : rule?.subsets.get(subset), port });
  if (!found) return undefined;
  const { value, where } = found;
  if (value.maglev?.tableSize === 1) return crash(where);
  const { httpHeaderName, httpQueryParameterName, httpCookie } = value;
  const attributes = (httpCookie?.attributes ?? []).flatMap((one) => [one.name, one.value]);
  const why = [httpHeaderName, httpQueryParameterName].includes('')
    ? 'by a name that is empty'
    : [httpHeaderName, ...attributes].some((text) => text !== undefined && END_OF_LINE.test(text))
      ? 'by what holds the end of a line'
      : attributes.some((text) => Buffer.byteLength(text ?? '') > LONGEST_HEADER)
        ? `by a cookie with more than ${LONGEST_HEADER} bytes`
        : httpCookie?.ttl !== undefined && !isKnownDuration(httpCookie.ttl)
          ? `by a cookie for a time that Envoy does not know (${httpCookie.ttl})`
          : undefined;
  if (why === undefined) return undefined;
  return new Undetermined(
    `routes to ${host} hash ${why}, and Envoy rejects all routes of the port and keeps those before`,
    [where],
  );
}

/** What becomes of a proxy with a hash table of one place. */
export function crash(where: FieldRef): Undetermined {
  return new Undetermined('with a table of one place Envoy divides by zero, and crashes', [where]);
}
