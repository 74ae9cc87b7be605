import * as istio from '../../imports/networking.istio.io';
import { originationPort, OriginationSettings } from '../declarations/origination';
import { EgressPathSettings, PortSettings, TrafficPolicy } from '../declarations/settings';
import { isHttp2 } from '../istio/protocols';
import { HOP_DOMAIN } from '../values/host-name';
import { EgressResolution } from '../values/traffic-options';

type PortPolicy = istio.DestinationRuleSpecSubsetsTrafficPolicyPortLevelSettings;
const { UPGRADE } = istio.DestinationRuleSpecSubsetsTrafficPolicyPortLevelSettingsConnectionPoolHttpH2UpgradePolicy;

/** How TLS is originated. */
export const TlsMode = istio.DestinationRuleSpecSubsetsTrafficPolicyPortLevelSettingsTlsMode;

/** How the addresses of a host are found. */
export const Resolution = istio.ServiceEntrySpecResolution;

/** The subset for traffic that the proxy passes on unchanged. */
export const PLAIN_SUBSET = 'plain';

/**
 * The subset that originates TLS. Another port has another name: while that changes, a route may lead to a port for
 * which the rule originates no TLS, and then plaintext would leave (measured).
 */
export function originatingSubset(http2: boolean, port: number): string {
  return `tls${http2 ? '-http2' : ''}${port === 443 ? '' : `-${port}`}`;
}

/** Options of an HTTP route: timeouts, retries and header removal belong on the last hop that reads the request. */
export function routeOptions(settings: EgressPathSettings): Partial<istio.VirtualServiceSpecHttp> {
  const { timeout, retries, removeHeaders } = settings;
  return { timeout, retries, headers: removeHeaders.length > 0 ? { request: { remove: removeHeaders } } : undefined };
}

/** A ServiceEntry for an external host, visible in its own namespace only. */
export function serviceEntry(
  host: string,
  resolution: istio.ServiceEntrySpecResolution,
  ports: istio.ServiceEntrySpecPorts[],
  { addresses, endpoints }: { addresses?: string[]; endpoints?: string[] },
): istio.ServiceEntrySpec {
  const location = istio.ServiceEntrySpecLocation.MESH_UNDERSCORE_EXTERNAL;
  const at = endpoints?.map((address) => ({ address }));
  return { hosts: [host], exportTo: ['.'], location, resolution, addresses, endpoints: at, ports };
}

/** What sidecars of its own namespace do with what is sent to a host. */
export function meshRoute(
  host: string,
  routes: Pick<istio.VirtualServiceSpec, 'http' | 'tls' | 'tcp'>,
): istio.VirtualServiceSpec {
  return { hosts: [host], exportTo: ['.'], gateways: ['mesh'], ...routes };
}

/** A resolution, as the generated type. */
export function istioResolution(resolution: EgressResolution): istio.ServiceEntrySpecResolution {
  return resolution as string as istio.ServiceEntrySpecResolution;
}

/** The ports of a host as applications know it. */
export function hostPorts(ports: PortSettings[]): istio.ServiceEntrySpecPorts[] {
  return ports.map(({ number, name, protocol }) => ({ number, name, protocol }));
}

/** The ports of an external host under its private name: without those whose plain HTTP leaves as TLS. */
export function externalPorts(ports: PortSettings[], originations: OriginationSettings[]) {
  const list = hostPorts(ports.filter((port) => !(originations.length > 0 && port.http)));
  for (const number of originations.map((origination) => originationPort(origination, ports))) {
    if (!list.some((port) => port.number === number)) list.push({ number, name: `tls-${number}`, protocol: 'TLS' });
  }
  return list.sort((a, b) => a.number - b.number);
}

/**
 * The subsets of an external host under its private name.
 *
 * @param origination the TLS origination, if there is one for those to whom the rule applies
 * @param originated whether all plain HTTP leaves as TLS
 * @param namespace the namespace of the rule, in which Istio looks for the ConfigMap
 */
export function externalSubsets(
  { ports, policy }: EgressPathSettings,
  origination: OriginationSettings | undefined,
  originated: boolean,
  namespace: string,
): istio.DestinationRuleSpecSubsets[] {
  const subsets: istio.DestinationRuleSpecSubsets[] = [];
  if (origination) {
    const number = originationPort(origination, ports);
    const tls = tlsBlock(origination, namespace);
    for (const http2 of [...new Set(ports.filter((port) => port.http).map(({ protocol }) => isHttp2(protocol)))]) {
      const trafficPolicy = { portLevelSettings: [portPolicy(number, policy, tls, http2)] };
      subsets.push({ name: originatingSubset(http2, number), trafficPolicy });
    }
  }
  if (policy && ports.some((port) => !(originated && port.http)))
    subsets.push({ name: PLAIN_SUBSET, trafficPolicy: istioPolicy(policy) });
  return subsets;
}

/**
 * A traffic policy, as the generated type. The generator makes a separate enum for every use, and writes the number in
 * `consecutive5xxErrors` differently.
 */
export function istioPolicy<T>(policy: TrafficPolicy | undefined): T {
  return policy as unknown as T;
}

/**
 * A complete traffic policy for one port: Istio uses a port's settings instead of the policy above them, without
 * merging the two.
 *
 * @param http2 for HTTP/2 and gRPC: over originated TLS, Envoy speaks HTTP/1.1 unless told to upgrade
 */
export function portPolicy(
  number: number,
  policy: TrafficPolicy | undefined,
  tls: PortPolicy['tls'],
  http2: boolean,
): PortPolicy {
  const pool = policy?.connectionPool;
  const upgrade = { connectionPool: { ...pool, http: { ...pool?.http, h2UpgradePolicy: UPGRADE } } };
  return { port: { number }, ...istioPolicy<Partial<PortPolicy>>(policy), ...(http2 ? upgrade : {}), tls };
}

/**
 * The TLS block of a DestinationRule.
 *
 * `sni` and `subjectAltNames` are always both set: Istio stops verifying the name in the certificate if `sni` is set
 * and `subjectAltNames` is not. `caCertificates: system` is written out although it is the default, because older
 * analyzers report a missing field as a missing check.
 */
function tlsBlock(settings: OriginationSettings, namespace: string): PortPolicy['tls'] {
  const names = { sni: settings.sni, subjectAltNames: settings.subjectAltNames };
  if (settings.clientSecret !== undefined)
    return { mode: TlsMode.MUTUAL, credentialName: settings.clientSecret, ...names };
  const authority =
    settings.caConfigMap !== undefined
      ? { credentialName: `configmap://${namespace}/${settings.caConfigMap}` }
      : { caCertificates: settings.caPath };
  if (settings.clientCertificatePath !== undefined) {
    return {
      mode: TlsMode.MUTUAL,
      clientCertificate: settings.clientCertificatePath,
      privateKey: settings.clientKeyPath,
      ...authority,
      ...names,
    };
  }
  return { mode: TlsMode.SIMPLE, ...authority, ...names };
}

/** A private name for an external host, which no one uses by accident. */
export function privateName({ host, key }: { readonly host: string; readonly key: string }): string {
  const name = `${host}.${key}.${HOP_DOMAIN}`;
  return name.length <= 253 ? name : `outside.${key}.${HOP_DOMAIN}`;
}

/** A list, unless it is empty. */
export function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
