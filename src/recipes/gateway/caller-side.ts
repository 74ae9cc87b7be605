import { HOP_PORT, hopName, hopSubset, idOf, metadataIn } from './names';
import * as istio from '../../../imports/networking.istio.io';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { PortSettings } from '../../declarations/settings';
import { isHttp2, isOpaque, isTls } from '../../istio/protocols';
import { Rank, RecipeObject } from '../recipe';
import {
  hostPorts,
  meshRoute,
  portPolicy,
  Resolution,
  routeOptions,
  serviceEntry,
  TlsMode,
  unlessEmpty,
} from '../traffic';

/**
 * The caller side declares the host without endpoints, so that it cannot be reached directly, and routes each port to
 * the gateway under a hop name that no one uses by accident. On a locked mesh, with any of its objects missing requests
 * fail; they never bypass the gateway. All egress paths from the namespace to the host share the ServiceEntry and the
 * VirtualService. A sidecar gets only the routes that match the labels of its pod.
 */
export function callerSide(path: GatewayEgressPath): RecipeObject[] {
  const { host, namespace, account, callerSide: common } = path;
  const { ports } = common.settings;
  const shared = {
    side: 'caller',
    metadata: metadataIn(namespace, common)(),
    shared: true,
  } as const;
  return [
    {
      id: idOf(path, 'destination-rule'),
      kind: istio.DestinationRule,
      side: 'caller',
      // Before the VirtualService; and if that is there already, because of other callers, before its route leads here.
      rank: account === undefined ? Rank.BASE : Rank.FIRST,
      metadata: metadataIn(namespace, path)(),
      spec: () => hopRule(path),
    },
    {
      id: `${host}-for-${namespace}-virtual-service`,
      kind: istio.VirtualService,
      rank: Rank.ROUTE,
      ...shared,
      spec: () => routes(path),
    },
    {
      id: `${host}-for-${namespace}-service-entry`,
      kind: istio.ServiceEntry,
      rank: Rank.AFTER_ROUTE,
      ...shared,
      spec: () => serviceEntry(host, Resolution.STATIC, hostPorts(ports), { addresses: common.addresses }),
    },
  ];
}

/** Mutual TLS to this gateway and no other workload, with a server name for each port. */
function hopRule(path: GatewayEgressPath): istio.DestinationRuleSpec {
  const { hopServiceHost, spiffeId } = path.installation;
  return {
    host: hopServiceHost,
    exportTo: ['.'],
    subsets: path.settings.ports.map((port) => {
      const tls = {
        mode: TlsMode.ISTIO_UNDERSCORE_MUTUAL,
        sni: hopName(path, port),
        subjectAltNames: [spiffeId],
      };
      const portLevelSettings = [portPolicy(HOP_PORT, undefined, tls, isHttp2(port.protocol))];
      return { name: hopSubset(path, port), trafficPolicy: { portLevelSettings } };
    }),
  };
}

function routes({ host, callerSide: { egressPaths } }: GatewayEgressPath): istio.VirtualServiceSpec {
  const ofPorts = (isOf: (port: PortSettings) => boolean) =>
    egressPaths.flatMap((path) => path.settings.ports.filter(isOf).map((port) => ({ path, port })));
  return meshRoute(host, {
    http: unlessEmpty(
      ofPorts((port) => port.http).map(({ path, port }) => ({
        match: matches(path, { port: port.number }),
        ...hopOptions(path, port),
        route: toGateway(path, port),
      })),
    ),
    tls: unlessEmpty(
      ofPorts(({ protocol }) => isTls(protocol)).map(({ path, port }) => ({
        match: matches(path, { port: port.number, sniHosts: [host] }),
        route: toGateway(path, port),
      })),
    ),
    tcp: unlessEmpty(
      ofPorts(({ protocol }) => isOpaque(protocol)).map(({ path, port }) => ({
        match: matches(path, { port: port.number }),
        route: toGateway(path, port),
      })),
    ),
  });
}

/** One match for each set of labels of the callers' pods; one for all pods, unless the callers are separate. */
function matches<M extends object>({ sourceLabels }: GatewayEgressPath, match: M): M[] {
  return sourceLabels?.map((labels) => ({ ...match, sourceLabels: labels })) ?? [match];
}

function toGateway(path: GatewayEgressPath, port: PortSettings) {
  const { hopServiceHost: host } = path.installation;
  return [{ destination: { host, subset: hopSubset(path, port), port: { number: HOP_PORT } } }];
}

/** What the sidecar does with requests that it sends to the gateway. */
function hopOptions(path: GatewayEgressPath, port: PortSettings): Partial<istio.VirtualServiceSpecHttp> {
  return path.settings.opaque
    ? routeOptions(path.settings)
    : { rewrite: { authority: hopName(path, port) }, retries: hopRetries(path) };
}

/**
 * The gateway retries requests that fail at the external host; the sidecar retries only those that never reached the
 * gateway. Istio's default would also retry at the sidecar what the gateway reports as gRPC "unavailable" after all of
 * its own attempts, and so multiply them.
 */
function hopRetries({ settings }: GatewayEgressPath): istio.VirtualServiceSpecHttp['retries'] {
  return settings.retries?.attempts === 0
    ? { attempts: 0 }
    : { attempts: 2, retryOn: 'connect-failure,refused-stream' };
}
