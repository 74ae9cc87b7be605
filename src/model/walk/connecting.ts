import { isIP } from 'net';
import { Ending, Journey } from './journey';
import { AtProxy, Next } from './next';
import { originates } from '../../manifests/tls';
import { hostOrAddress } from '../addresses';
import { FieldRef } from '../answer';
import { authorize } from '../authorization';
import { Cluster, clusterOf, Endpoint } from '../cluster';
import { Destination } from '../destination';
import { fieldRef, uniqueRefs } from '../field-ref';
import { Flow, isReadable, Layer, outermost } from '../flow';

/** Into the cluster that a route names: one of its endpoints, with the TLS that the cluster originates. */
export function toCluster(
  journey: Journey,
  at: AtProxy,
  destination: Destination,
  decidedBy: readonly FieldRef[],
): Next {
  const { hop, scope } = at;
  const where = uniqueRefs(decidedBy);
  const cluster = clusterOf(journey.configuration.registry, scope, destination);
  const subset = destination.subset === undefined ? '' : `, subset ${destination.subset}`;
  const named = `${destination.host}:${destination.port}${subset}`;
  if ('missing' in cluster) {
    journey.step(
      hop,
      `→ ${named}, which does not exist: ${cluster.missing}`,
      uniqueRefs([...where, ...cluster.decidedBy]),
    );
    return journey.refuse(hop, 503, cluster.missing, uniqueRefs(cluster.decidedBy));
  }
  for (const assumption of cluster.assumptions) journey.assume(assumption);
  journey.step(hop, `→ ${named}`, where);
  if (cluster.endpoints.length === 0) return noEndpoints(journey, at, destination, cluster);
  const index = journey.choose(
    cluster.endpoints.map((endpoint) => ({
      because: `one of ${cluster.endpoints.length} endpoints: ${endpointText(endpoint)}`,
    })),
  );
  const flow = inClusterTls(journey, at, destination, cluster);
  return connect(journey, { ...at, flow }, cluster.endpoints[index], uniqueRefs([...cluster.decidedBy, ...where]));
}

function noEndpoints(
  journey: Journey,
  { hop }: AtProxy,
  { host }: Destination,
  { service, decidedBy }: Cluster,
): Ending {
  const reason = service.kubernetes
    ? `no gateway pod backs ${host}`
    : service.resolution === 'NONE' || service.resolution === 'DYNAMIC_DNS'
      ? `a gateway cannot reach hosts with resolution ${service.resolution}`
      : `${host} has no endpoints`;
  journey.step(hop, reason, decidedBy);
  return journey.refuse(hop, 503, reason, decidedBy);
}

/** The flow in the TLS that the cluster originates. */
function inClusterTls(
  journey: Journey,
  { hop, scope, flow }: AtProxy,
  destination: Destination,
  cluster: Cluster,
): Flow {
  const { tls, ignoredTls } = cluster;
  if (ignoredTls) {
    const decidedBy = [fieldRef(ignoredTls.object, `${ignoredTls.field}.credentialName`)];
    journey.step(
      hop,
      'no TLS: a sidecar ignores TLS settings with a credentialName unless the DestinationRule has a workloadSelector',
      decidedBy,
    );
    journey.remark({
      code: 'ignored-credential',
      message:
        'the TLS settings are ignored: at a sidecar, a credentialName needs a DestinationRule with a ' +
        'workloadSelector',
      decidedBy,
    });
  }
  if (!tls || !originates(tls.value)) return { ...flow, http2: cluster.http2 };
  const authority = isReadable(flow) ? flow.http!.authority.replace(/:\d+$/, '').toLowerCase() : undefined;
  const isMesh = tls.value.mode === 'ISTIO_MUTUAL';
  const internal = `outbound_.${destination.port}_.${destination.subset ?? ''}_.${destination.host}`;
  const serverName: string | undefined = tls.value.sni || (isMesh ? internal : authority);
  const layer: Layer = {
    by: hop,
    ...(serverName !== undefined && { serverName }),
    ...(isMesh && { identity: identityOf(journey, hop) }),
    settings: tls,
    subjectAltNames: cluster.service.subjectAltNames,
    ...(authority !== undefined && { authority }),
    namespace: scope.proxy.namespace,
    serviceAccount: (journey.atGateway ?? journey.pod).serviceAccount,
  };
  if (flow.layers.length > 0 && !isMesh) {
    journey.remark({
      code: 'double-tls',
      message: "the application's own TLS is wrapped in a second layer of TLS",
      decidedBy: [fieldRef(tls.object, tls.field)],
    });
  }
  const checks = isMesh
    ? 'mutual TLS in the mesh'
    : `TLS${tls.value.mode === 'MUTUAL' ? ' with a client certificate' : ''}`;
  journey.step(hop, `${checks}, ${serverName === undefined ? 'no server name' : `server name ${serverName}`}`, [
    fieldRef(tls.object, tls.field),
  ]);
  return { ...flow, layers: [...flow.layers, layer], http2: cluster.http2 };
}

/** The identity in a proxy's certificate, in mutual TLS of the mesh. */
function identityOf({ configuration, atGateway, pod }: Journey, hop: 'sidecar' | 'gateway'): string {
  const { trustDomain } = configuration.registry;
  return hop === 'sidecar' || !atGateway
    ? `spiffe://${trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`
    : `spiffe://${trustDomain}/ns/${atGateway.namespace}/sa/${atGateway.serviceAccount ?? 'unknown'}`;
}

function connect(
  journey: Journey,
  { hop, flow, address, port }: AtProxy,
  endpoint: Endpoint,
  decidedBy: readonly FieldRef[],
): Next {
  journey.via ??= endpoint.kind === 'pod' ? 'gateway' : 'sidecar';
  const external = { to: 'host', from: hop, flow, decidedBy } as const;
  switch (endpoint.kind) {
    case 'pod':
      return { to: 'gateway', flow, workload: endpoint.workload, port: endpoint.port };
    case 'original':
      return { ...external, address, name: hostOrAddress(address), port: endpoint.port ?? port };
    case 'asked': {
      const layer = outermost(flow);
      const isRead = isReadable({ ...flow, layers: flow.layers.filter(({ by: whose }) => whose === 'application') });
      const [name, given] = isRead ? flow.http!.authority.split(':') : [layer?.serverName ?? ''];
      // The one case in which a sidecar applies AuthorizationPolicies to outbound traffic: TLS to a name that it
      // resolves itself.
      const { registry } = journey.configuration;
      const verdict =
        isRead || hop !== 'sidecar' ? undefined : authorize(registry, journey.pod, { port, serverName: name });
      if (verdict && !verdict.allowed) {
        journey.step(hop, `${verdict.reason}: closed`, verdict.decidedBy);
        return journey.refuse(hop, undefined, verdict.reason, verdict.decidedBy);
      }
      const asked = isRead ? Number(given) || (layer ? 443 : 80) : endpoint.port;
      return { ...external, address: resolveHost(journey, name), name, port: asked };
    }
    default:
      return { ...external, address: resolveHost(journey, endpoint.host), name: endpoint.host, port: endpoint.port };
  }
}

/** The address to which a proxy resolves a name. */
function resolveHost(journey: Journey, host: string): string | undefined {
  return isIP(host) !== 0 ? host : journey.lookUp(host);
}

function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'host'
    ? `${endpoint.host}:${endpoint.port}`
    : endpoint.kind === 'pod'
      ? `${endpoint.workload.id}:${endpoint.port}`
      : endpoint.kind;
}
