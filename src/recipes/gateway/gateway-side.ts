import { HOP_PORT, hopName, idOf, metadataOf } from './names';
import {
  DestinationRule,
  DestinationRuleSpec,
  Gateway,
  GatewaySpec,
  GatewaySpecServersTlsMode,
  ServiceEntry,
  ServiceEntrySpec,
  ServiceEntrySpecLocation,
  ServiceEntrySpecResolution,
  VirtualService,
  VirtualServiceSpec,
} from '../../../imports/networking.istio.io';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { originationPort } from '../../declarations/origination';
import { PortSettings } from '../../declarations/settings';
import { Rank, RecipeObject } from '../recipe';
import {
  externalEntryPorts,
  externalSubsets,
  originatingSubset,
  PLAIN_SUBSET,
  privateName,
  routeOptions,
  speaksHttp2,
} from '../traffic';

/**
 * The gateway side has a server for each hop name. The server itself checks the callers' certificates and admits only
 * the named callers, so the check cannot be missing while the server exists. It routes each hop name to the external
 * host under a second private name, with the host as its endpoint. This keeps our objects apart from all others for the
 * same host, in any namespace: at a gateway, Istio picks the oldest of several entries for a host, merges their ports,
 * and drops rules that differ in visibility.
 */
export function gatewaySide(path: GatewayEgressPath): RecipeObject[] {
  const { namespace } = path.installation;
  const side = 'gateway';
  const [metadata, objects] = [metadataOf(path, namespace), [] as RecipeObject[]];
  if (path.settings.policy || path.origination)
    objects.push({
      id: originatingRule(path),
      kind: DestinationRule,
      side,
      rank: Rank.FIRST,
      metadata,
      spec: () => externalRule(path),
    });
  for (const port of path.settings.ports) {
    objects.push({
      id: idOf(path, `virtual-service-${port.name}`),
      kind: VirtualService,
      side,
      rank: Rank.ROUTE,
      metadata: metadataOf(path, namespace, port.name),
      spec: () => hopRoute(path, port),
    });
  }
  return [
    ...objects,
    // When TLS origination is added to a host in use, its routes must stop using the plain port before the entry drops
    // it.
    {
      id: idOf(path, 'service-entry'),
      kind: ServiceEntry,
      side,
      rank: Rank.AFTER_ROUTE,
      metadata,
      spec: () => externalEntry(path),
    },
    { id: idOf(path, 'gateway'), kind: Gateway, side, rank: Rank.LAST, metadata, spec: () => servers(path) },
  ];
}

/** The id of the rule for connections to the external host: TLS origination and traffic policy. */
export function originatingRule(path: GatewayEgressPath): string {
  return idOf(path, 'destination-rule');
}

function servers(path: GatewayEgressPath): GatewaySpec {
  const { installation, settings, key } = path;
  const { namespace, labels, trustDomain } = installation;
  const callers = [...new Set(path.callers.map((caller) => caller.spiffeId(trustDomain)))].sort();
  return {
    selector: labels,
    servers: settings.ports.map((port) => ({
      port: { number: HOP_PORT, name: `${port.name}-${key}`, protocol: isRead(path, port) ? 'HTTPS' : 'TLS' },
      hosts: [`${namespace}/${hopName(path, port)}`],
      tls: {
        mode: GatewaySpecServersTlsMode.ISTIO_UNDERSCORE_MUTUAL,
        subjectAltNames: path.callerSet ? undefined : callers,
      },
    })),
  };
}

function hopRoute(path: GatewayEgressPath, port: PortSettings): VirtualServiceSpec {
  const { namespace } = path.installation;
  const match = [{ port: HOP_PORT }];
  const route = [{ destination: externalDestination(path, port) }];
  const read = isRead(path, port);
  return {
    hosts: [hopName(path, port)],
    exportTo: ['.'],
    gateways: [`${namespace}/${metadataOf(path, namespace).name}`],
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
  return origination && port.http
    ? {
        host,
        subset: originatingSubset(speaksHttp2(port)),
        port: { number: originationPort(origination, settings.ports) },
      }
    : { host, subset: settings.policy && PLAIN_SUBSET, port: { number: port.number } };
}

function externalEntry(path: GatewayEgressPath): ServiceEntrySpec {
  return {
    hosts: [privateName(path)],
    exportTo: ['.'],
    location: ServiceEntrySpecLocation.MESH_UNDERSCORE_EXTERNAL,
    resolution: ServiceEntrySpecResolution.DNS,
    endpoints: [{ address: path.host }],
    ports: externalEntryPorts(path.settings.ports, path.origination ? [path.origination] : []),
  };
}

function externalRule(path: GatewayEgressPath): DestinationRuleSpec {
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
