import { certificateRuleId, entry, object, podsKey, route, rule } from './objects';
import { secretReader } from './secret-reader';
import * as istio from '../../../imports/networking.istio.io';
import { CertificateOwner, originationPort, OriginationSettings } from '../../declarations/origination';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { isHttp2, isOpaque, isTls } from '../../istio/protocols';
import { addressInstead, keyOf } from '../../values/names';
import { Rank, RecipeObject } from '../recipe';
import {
  externalPorts,
  externalSubsets,
  hostPorts,
  istioResolution,
  meshRoute,
  originatingSubset,
  PLAIN_SUBSET,
  privateName,
  Resolution,
  routeOptions,
  serviceEntry,
  unlessEmpty,
} from '../traffic';

/**
 * One host straight from the sidecars, whose plain HTTP leaves as TLS.
 *
 * The host's own entry has no endpoints, as on the caller side of a gateway path. The real addresses are under a
 * private name that only our route uses: plain HTTP goes to a subset that only our rule defines, the application's own
 * TLS goes to the TLS port. So our objects are never merged with another author's for the same host. If one of them is
 * missing, or an older route of another author takes precedence, requests fail (measured with each object removed in
 * turn).
 *
 * Istio's task page instead sends port 80 of the host's own entry to the TLS port. Without the rule, that sends
 * plaintext to port 443. It also cannot be rolled out to a host in use without an outage: the rule applies to the
 * previous entry at once, and TLS goes to port 80 until the new entry arrives.
 *
 * If some workloads present a client certificate, each of them has a rule with a workloadSelector (at a sidecar, Istio
 * accepts a Secret from no other rule), and only those rules define the subset: every other pod is refused (503).
 */
export function originated(path: SidecarEgressPath): RecipeObject[] {
  const { host, settings, addresses, originations } = path;
  const general = originations.find(({ certificateOwners }) => !certificateOwners);
  const objects: RecipeObject[] = [];
  // Without a subset that originates TLS, if the host requires a client certificate.
  if (settings.policy || general) objects.push(rule(path, () => externalRule(path, general)));
  for (const origination of originations) {
    for (const owner of origination.certificateOwners ?? []) {
      if (origination.clientSecret !== undefined) objects.push(...secretReader(path, owner.serviceAccountName));
      objects.push(certificateRule(path, origination, owner));
    }
  }
  const externalEntryId = `${host}-external-service-entry`;
  return [
    ...objects,
    object(path, istio.ServiceEntry, externalEntryId, Rank.FIRST, () => externalEntry(path), 'outside'),
    route(path, () => hostRoute(path)),
    entry(path, Rank.AFTER_ROUTE, () =>
      serviceEntry(host, Resolution.STATIC, hostPorts(settings.ports), { addresses }),
    ),
  ];
}

/** The rule for the pods of one caller. It replaces the general rule for them; Istio does not merge the two. */
function certificateRule(path: SidecarEgressPath, origination: OriginationSettings, owner: CertificateOwner) {
  const workloadSelector = { matchLabels: owner.podLabels };
  const spec = (): istio.DestinationRuleSpec => ({ ...externalRule(path, origination), workloadSelector });
  const id = certificateRuleId(path.host, owner);
  return object(path, istio.DestinationRule, id, Rank.FIRST, spec, `for-${podsKey(owner)}`);
}

function externalRule(
  path: SidecarEgressPath,
  origination: OriginationSettings | undefined,
): istio.DestinationRuleSpec {
  const subsets = externalSubsets(path.settings, origination, true, path.namespace);
  return { host: privateName(path), exportTo: ['.'], subsets };
}

/**
 * The host's real addresses, under the private name. Its TCP ports must not match what applications dial, so it gets an
 * address that no application dials.
 */
function externalEntry(path: SidecarEgressPath): istio.ServiceEntrySpec {
  const { host, key, settings, originations } = path;
  const tcp = settings.ports.some(({ protocol }) => isOpaque(protocol));
  return serviceEntry(
    privateName(path),
    istioResolution(settings.resolution),
    externalPorts(settings.ports, originations),
    { addresses: tcp ? [addressInstead(keyOf('outside', key))] : undefined, endpoints: settings.endpoints ?? [host] },
  );
}

function hostRoute(path: SidecarEgressPath): istio.VirtualServiceSpec {
  const { host, settings, originations } = path;
  const [external, number] = [privateName(path), originationPort(originations[0], settings.ports)];
  const to = (port: number, subset?: string) => [{ destination: { host: external, subset, port: { number: port } } }];
  const plain = settings.policy && PLAIN_SUBSET;
  const of = (is: (protocol: unknown) => boolean) => settings.ports.filter(({ protocol }) => is(protocol));
  return meshRoute(host, {
    http: settings.ports
      .filter((port) => port.http)
      .map((port) => ({
        match: [{ port: port.number }],
        ...routeOptions(settings),
        route: to(number, originatingSubset(isHttp2(port.protocol), number)),
      })),
    tls: unlessEmpty(
      of(isTls).map((port) => ({
        match: [{ port: port.number, sniHosts: [host] }],
        route: to(port.number, plain),
      })),
    ),
    tcp: unlessEmpty(of(isOpaque).map((port) => ({ match: [{ port: port.number }], route: to(port.number, plain) }))),
  });
}
