import { isIP } from 'net';
import { Leg } from './journey';
import { AtProxy, Next } from './next';
import { PROXY_CONFIG } from '../../istio/injection';
import { originates } from '../../manifests/tls';
import { Address, hostOrAddress, ipAddress, isOfIPv6, textOf } from '../objects/addresses';
import { withoutPort } from '../objects/host-names';
import { podField } from '../objects/injection';
import { keepsCase, proxyConfigOf } from '../objects/proxy-config';
import { FieldRef } from '../answer/answer';
import { authorize } from '../policies/authorization';
import { Cluster, NoCluster } from '../proxies/cluster';
import { Endpoint, endpointText } from '../proxies/endpoints';
import { fieldRef, uniqueRefs } from '../answer/field-ref';
import { Flow, Layer, outermost } from './flow';
import { requireNode } from './to-service';
import { Destination } from '../routes/destination';
import { Undetermined } from '../answer/undetermined';
import { isAtLeast } from '../../istio/release-lines';

/** Into the cluster that a route names: one of its endpoints, with the TLS that the cluster originates. */
export function toCluster(leg: Leg, at: AtProxy, destination: Destination, decidedBy: readonly FieldRef[]): Next {
  const { hop, scope } = at;
  const where = uniqueRefs(decidedBy);
  const clusters = leg.configuration.clustersFor(scope, destination);
  const cluster = leg.oneOf(clusters, (one) => mixesUp(destination.host, one), true)!;
  const subset = destination.subset === undefined ? '' : `, subset ${destination.subset}`;
  const named = `${destination.host}:${destination.port}${subset}`;
  if ('missing' in cluster) {
    leg.step(
      hop,
      'ends',
      `→ ${named}, which does not exist: ${cluster.missing}`,
      uniqueRefs([...where, ...cluster.decidedBy]),
    );
    return leg.refuse(hop, 503, cluster.missing, uniqueRefs(cluster.decidedBy));
  }
  if (cluster.tunnel && !at.reads)
    throw new Undetermined('the model does not know what the proxy at the end of a tunnel does', [cluster.tunnel]);
  const ofCluster = cluster.doubts[at.reads ? 'requests' : 'bytes'];
  if (ofCluster) throw ofCluster;
  leg.ejects ??= cluster.ejects;
  leg.connectTimeout = cluster.connectTimeout;
  for (const assumption of cluster.assumptions) leg.assume(assumption);
  const doubt = leg.configuration.registry.doubtfulServices.get(cluster.service.object)?.(cluster.port.number);
  if (doubt) leg.require(doubt);
  requireNode(leg, cluster.service);
  leg.step(hop, 'forwards', `→ ${named}`, where);
  const end = deadEnd(cluster, destination.host);
  if (end !== undefined) {
    leg.step(hop, 'ends', end, cluster.decidedBy);
    return leg.refuse(hop, 503, end, cluster.decidedBy);
  }
  const { length } = cluster.endpoints;
  const endpoint = leg.oneOf(cluster.endpoints, (one) => `one of ${length} endpoints: ${endpointText(one)}`)!;
  const flow = inClusterTls(leg, at, destination, cluster, endpoint);
  const led = uniqueRefs([...cluster.decidedBy, ...where]);
  return connect(leg, at, flow, cluster, endpoint, destination.isOwn === true, led);
}

/** What chance decides where istiod's cache has one cluster for two entries of a host. */
function mixesUp(host: string, cluster: Cluster | NoCluster): string {
  const whose = 'missing' in cluster ? '' : `, here that of ${cluster.service.object.name}`;
  return (
    `two ServiceEntries of one namespace declare ${host} with different resolution, or names of ports, for different ` +
    `namespaces, and istiod may give a proxy the cluster of either${whose}`
  );
}

/** Why nothing can be sent to a cluster, whatever is at its endpoints. */
export function deadEnd(cluster: Cluster | NoCluster, host: string): string | undefined {
  if ('missing' in cluster) return cluster.missing;
  const { endpoints, passes, service } = cluster;
  if (endpoints.length > 0) return undefined;
  if (passes)
    return 'a gateway knows no address that was dialled, to which the load balancer PASSTHROUGH could connect';
  if (service.kubernetes && service.object.spec.selector) return `no gateway pod backs ${host}`;
  if (service.resolution === 'NONE' && !service.kubernetes)
    return `a gateway cannot reach hosts with resolution ${service.resolution}`;
  return `${host} has no endpoints`;
}

/** The flow in the TLS that the cluster originates. */
function inClusterTls(
  leg: Leg,
  { hop, scope, flow: given, reads }: AtProxy,
  destination: Destination,
  cluster: Cluster,
  endpoint: Endpoint,
): Flow {
  const { ignoredTls } = cluster;
  const tls = cluster.tls ?? (endpoint.kind === 'host' ? endpoint.tls : undefined);
  // Bytes keep the protocol in which they arrive.
  const flow = { ...given, http2: reads && !cluster.keepsProtocol ? cluster.http2 : given.http2 };
  if (ignoredTls) {
    const decidedBy = [fieldRef(ignoredTls.object, `${ignoredTls.field}.credentialName`)];
    leg.step(
      hop,
      'ignores-tls',
      'no TLS: a sidecar ignores TLS settings with a credentialName unless the DestinationRule has a workloadSelector',
      decidedBy,
    );
    leg.remark({
      code: 'ignored-credential',
      message:
        'the TLS settings are ignored: at a sidecar, a credentialName needs a DestinationRule with a ' +
        'workloadSelector',
      decidedBy,
    });
  }
  if (!tls || !originates(tls.value)) return flow;
  const authority = reads ? withoutPort(flow.http!.authority).toLowerCase() : undefined;
  const isMesh = tls.value.mode === 'ISTIO_MUTUAL';
  const internal = `outbound_.${destination.port}_.${destination.subset ?? ''}_.${destination.host}`;
  // Envoy sends no address as a server name.
  const named = authority === undefined || isIP(authority.replace(/^\[(.*)\]$/, '$1')) !== 0 ? undefined : authority;
  const isAsked = endpoint.kind === 'asked';
  const serverName: string | undefined = tls.value.sni || (isMesh && !isAsked ? internal : named);
  const layer: Layer = {
    by: hop,
    serverName,
    identity: isMesh ? identityOf(leg, hop) : undefined,
    settings: tls,
    declared:
      isMesh || tls.value.subjectAltNames?.length
        ? undefined
        : leg.configuration.registry.certificateNames(cluster.service),
    offersHttp2: reads ? flow.http2 : cluster.http2 && !cluster.keepsProtocol,
    authority,
    namespace: scope.proxy.namespace,
    serviceAccount: (leg.atGateway ?? leg.pod).serviceAccount,
  };
  if (flow.layers.length > 0 && !isMesh) {
    leg.remark({
      code: 'double-tls',
      message: "the application's own TLS is wrapped in a second layer of TLS",
      decidedBy: [fieldRef(tls.object, tls.field)],
    });
  }
  const checks = isMesh
    ? 'mutual TLS in the mesh'
    : `TLS${tls.value.mode === 'MUTUAL' ? ' with a client certificate' : ''}`;
  const sent = serverName === undefined ? 'no server name' : `server name ${serverName}`;
  leg.step(hop, isMesh ? 'originates-mesh-tls' : 'originates-tls', `${checks}, ${sent}`, [
    fieldRef(tls.object, tls.field),
  ]);
  return { ...flow, layers: [...flow.layers, layer] };
}

/** The identity in a proxy's certificate, in mutual TLS of the mesh. */
function identityOf({ configuration, atGateway, pod }: Leg, hop: 'sidecar' | 'gateway'): string {
  const { trustDomain } = configuration.registry;
  return hop === 'sidecar' || !atGateway
    ? `spiffe://${trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`
    : `spiffe://${trustDomain}/ns/${atGateway.namespace}/sa/${atGateway.serviceAccount ?? 'unknown'}`;
}

function connect(
  leg: Leg,
  { hop, flow: arrived, address, port, reads, ended }: AtProxy,
  flow: Flow,
  { service, port: declared, proxyProtocol }: Cluster,
  endpoint: Endpoint,
  isOwn: boolean,
  decidedBy: readonly FieldRef[],
): Next {
  leg.via ??= endpoint.kind === 'pod' ? 'gateway' : 'sidecar';
  const external = { to: 'host', from: hop, flow, decidedBy, protocol: declared.protocol, proxyProtocol } as const;
  switch (endpoint.kind) {
    case 'pod':
      return { to: 'gateway', flow, workload: endpoint.workload, port: endpoint.port, proxyProtocol, decidedBy };
    case 'original':
      if (!address) return leg.refuse(hop, 503, 'a copy of a request knows no address that was dialled', decidedBy);
      return { address, name: hostOrAddress(address), port: endpoint.port ?? port, ...external };
    case 'asked': {
      const addsTls = flow.layers.length > arrived.layers.length;
      if (reads && !addsTls && preservesCase(leg, hop))
        throw new Undetermined(
          `the ${hop} preserves the case of headers, and Envoy rejects the cluster of a host with resolution ` +
            'DYNAMIC_DNS then',
          hop === 'sidecar' ? [podField(leg.pod, 'metadata', 'annotations', PROXY_CONFIG)] : decidedBy,
        );
      // Of a connection that it does not read, the proxy knows the server name with which it arrived.
      const [name, given] = reads ? flow.http!.authority.split(':') : [(ended ?? outermost(arrived))?.serverName ?? ''];
      // The one case in which a sidecar applies AuthorizationPolicies to outbound traffic: TLS to a name that it
      // resolves itself. Those of the entry's namespace count too.
      const verdict =
        reads || !isOwn
          ? undefined
          : authorize(leg.configuration.policies, leg.pod, { port, serverName: name }, service.namespace);
      if (verdict && !verdict.allowed) {
        leg.step(hop, 'ends', `${verdict.reason}: closed`, verdict.decidedBy);
        return leg.refuse(hop, undefined, verdict.reason, verdict.decidedBy);
      }
      const isResolved =
        reads || isOwn || (name !== '' && leg.oneOf([true, false], (known) => firstAsked(name, known)));
      if (!isResolved) {
        const reason = firstAsked(name, false);
        leg.step(hop, 'ends', reason, decidedBy);
        return leg.refuse(hop, 503, reason, decidedBy);
      }
      // A route for connections says nothing of a port, so the usual one of what the proxy sends is dialled.
      const usual = addsTls ? 443 : 80;
      const asked = reads ? Number(given) || usual : isOwn ? endpoint.port : usual;
      const protocol = asked === endpoint.port ? declared.protocol : undefined;
      return { address: resolveAsked(leg, name), name, port: asked, ...external, protocol };
    }
    default:
      return {
        address: resolveHost(leg, endpoint.host),
        name: endpoint.host,
        port: endpoint.port,
        service,
        ...external,
      };
  }
}

function preservesCase({ pod, atGateway }: Leg, hop: 'sidecar' | 'gateway'): boolean {
  if (hop === 'gateway') return atGateway?.preservesCase === true;
  return keepsCase(proxyConfigOf(pod.annotations));
}

/** A cluster of dynamic names resolves one for requests, and for connections only what it has been asked for before. */
function firstAsked(name: string, isKnown: boolean): string {
  if (name === '') return 'the connection has no server name that the proxy could resolve';
  return isKnown
    ? `the proxy has resolved ${name} before`
    : `the proxy has not resolved ${name} before, and closes a connection that asks for it`;
}

/** The same of a name that a request gives (DYNAMIC_DNS): proxies of Istio 1.30 ask for addresses of IPv4 alone. */
function resolveAsked(leg: Leg, host: string): Address | undefined {
  const { registry, addressBook } = leg.configuration;
  const { istioVersion, mesh } = registry.world;
  const address = resolveHost(leg, host, isAtLeast(31, istioVersion) ? undefined : (one) => !isOfIPv6(one));
  const isKnown = addressBook.isComplete || (istioVersion !== undefined && isAtLeast(31, istioVersion));
  if (mesh?.dualStack && address && (address.kind === 'unknown' || isOfIPv6(address)) && !isKnown)
    leg.require({
      holds: `${host} has an address of IPv4, or the mesh runs Istio 1.31 or later`,
      say: '--istio 1.31 (istioVersion in a test), or an access table (--table)',
    });
  return address;
}

/** The address to which a proxy resolves a name. */
function resolveHost(leg: Leg, host: string, isAskedFor?: (address: Address) => boolean): Address | undefined {
  if (isIP(host) !== 0) return ipAddress(host);
  const because = (address: Address) => `DNS gives the proxy ${textOf(address)}: ${host} has several addresses`;
  const found = leg.lookUp(host);
  return leg.oneOf(isAskedFor ? found.filter(isAskedFor) : found, because, true);
}
