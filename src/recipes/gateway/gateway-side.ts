import { HOP_PORT, hopName, idOf, metadataIn, nameOf } from './names';
import * as istio from '../../../imports/networking.istio.io';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { originationPort } from '../../declarations/origination';
import { PortSettings } from '../../declarations/settings';
import { isHttp2 } from '../../istio/protocols';
import { ObjectKind, Rank, RecipeObject } from '../recipe';
import {
  externalPorts,
  externalSubsets,
  originatingSubset,
  PLAIN_SUBSET,
  privateName,
  Resolution,
  routeOptions,
  serviceEntry,
} from '../traffic';

/**
 * The gateway side has a server for each hop name. The server itself checks the callers' certificates and admits only
 * the named callers, so the check cannot be missing while the server exists. It routes each hop name to the external
 * host under a second private name, with the host as its endpoint. This keeps our objects apart from all others for the
 * same host, in any namespace: at a gateway, Istio picks the oldest of several entries for a host, merges their ports,
 * and drops rules that differ in visibility.
 */
export function gatewaySide(path: GatewayEgressPath): RecipeObject[] {
  const { settings, origination } = path;
  const object = objectsOf(path);
  return [
    ...(settings.policy || origination ? [externalRule(path)] : []),
    ...settings.ports.map((port) => {
      const id = `virtual-service-${port.name}`;
      return object(istio.VirtualService, id, Rank.ROUTE, () => hopRoute(path, port), port.name);
    }),
    // When TLS origination is added to a host in use, its routes must stop using the plain port before it is dropped.
    object(istio.ServiceEntry, 'service-entry', Rank.AFTER_ROUTE, () => externalEntry(path)),
    object(istio.Gateway, 'gateway', Rank.LAST, () => servers(path)),
  ];
}

/** The rule for connections to the external host: TLS origination, which adds nothing else, and traffic policy. */
export function externalRule(path: GatewayEgressPath): RecipeObject {
  return objectsOf(path)(istio.DestinationRule, 'destination-rule', Rank.FIRST, () => connections(path));
}

function objectsOf(path: GatewayEgressPath) {
  const metadata = metadataIn(path.installation.namespace, path);
  return (kind: ObjectKind, id: string, rank: Rank, spec: () => object, suffix?: string): RecipeObject => ({
    id: idOf(path, id),
    kind,
    side: 'gateway',
    rank,
    metadata: metadata(suffix),
    spec,
  });
}

function servers(path: GatewayEgressPath): istio.GatewaySpec {
  const { installation, settings, key } = path;
  const { namespace, labels, trustDomain } = installation;
  const callers = [...new Set(path.callers.map((caller) => caller.spiffeId(trustDomain)))].sort();
  return {
    selector: labels,
    servers: settings.ports.map((port) => ({
      port: { number: HOP_PORT, name: `${port.name}-${key}`, protocol: isRead(path, port) ? 'HTTPS' : 'TLS' },
      hosts: [`${namespace}/${hopName(path, port)}`],
      tls: {
        mode: istio.GatewaySpecServersTlsMode.ISTIO_UNDERSCORE_MUTUAL,
        subjectAltNames: path.callerSet ? undefined : callers,
      },
    })),
  };
}

function hopRoute(path: GatewayEgressPath, port: PortSettings): istio.VirtualServiceSpec {
  const { namespace } = path.installation;
  const match = [{ port: HOP_PORT }];
  const route = [{ destination: externalDestination(path, port) }];
  const read = isRead(path, port);
  return {
    hosts: [hopName(path, port)],
    exportTo: ['.'],
    gateways: [`${namespace}/${nameOf(path)}`],
    http: read
      ? [{ match, rewrite: { authority: authority(path, port) }, ...routeOptions(path.settings), route }]
      : undefined,
    tcp: read ? undefined : [{ match, route }],
  };
}

/** The external destination for a port of the host: the TLS port with the originating subset, or the same port. */
function externalDestination(path: GatewayEgressPath, port: PortSettings) {
  const { settings, origination } = path;
  const host = privateName(path);
  if (!origination || !port.http)
    return { host, subset: settings.policy && PLAIN_SUBSET, port: { number: port.number } };
  const number = originationPort(origination, settings.ports);
  return { host, subset: originatingSubset(isHttp2(port.protocol), number), port: { number } };
}

function externalEntry(path: GatewayEgressPath): istio.ServiceEntrySpec {
  const ports = externalPorts(path.settings.ports, path.originations);
  return serviceEntry(privateName(path), Resolution.DNS, ports, { endpoints: [path.host] });
}

function connections(path: GatewayEgressPath): istio.DestinationRuleSpec {
  const { settings, origination, installation } = path;
  const subsets = externalSubsets(settings, origination, origination !== undefined, installation.namespace);
  return { host: privateName(path), exportTo: ['.'], subsets };
}

/** The Host header that a client would send when it calls the host directly. */
function authority({ host, settings, origination }: GatewayEgressPath, port: PortSettings): string {
  const number = origination ? originationPort(origination, settings.ports) : port.number;
  return number === (origination ? 443 : 80) ? host : `${host}:${number}`;
}

function isRead({ settings }: GatewayEgressPath, port: PortSettings): boolean {
  return port.http && !settings.opaque;
}
