import { CHART_PORT, labelsOf, ownLabels, ownSelector, podPorts, standardLabels } from './standard';
import { KnownGateway } from '../world';
import { fullHost } from '../../../istio/hosts';
import { serviceOfHost } from '../../../istio/service-names';
import { ManifestIndex } from '../../../manifests/manifest-index';
import { fullGateway, Hop } from '../../../manifests/routes';
import { selects, Labels } from '../../../manifests/selectors';
import { ServiceSpec } from '../../../manifests/specs';
import { HOST_ANNOTATION } from '../../../values/host-annotation';

type ServicePorts = NonNullable<ServiceSpec['ports']>;

/** A Service inside the cluster that is the destination of a route but is not among the manifests. */
export interface MissingService {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Labels;
  ports: ServicePorts;
  /** Whether `--gateway` says that it is there. */
  readonly isSaid: boolean;
}

export function missingServices(
  index: ManifestIndex,
  declared: ReadonlySet<string>,
  given: readonly KnownGateway[],
): Iterable<MissingService> {
  const found = new Map<string, MissingService>();
  const gateways = new Map(index.ofKind('Gateway').map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
  const entries = new Set(index.ofKind('ServiceEntry').flatMap(({ spec }) => spec.hosts ?? []));
  const written = new Set(index.services.map(({ name }) => name));
  for (const hop of index.hops) {
    const host = fullHost(hop.host, hop.virtualService);
    const service = serviceOfHost(host, index.clusterDomain);
    if (!service || entries.has(host) || declared.has(`${service.namespace}/${service.name}`)) continue;
    const { name, namespace } = service;
    const bound = (hop.virtualService.spec.gateways ?? [])
      .filter((gateway) => gateway !== 'mesh')
      .map((gateway) => gateways.get(fullGateway(gateway, hop.virtualService.namespace)))
      .find((gateway) => gateway !== undefined);
    const own = { namespace, name: name.replace(/-hop$/, '') };
    const isHop = own.name !== name;
    // A hop Service that the manifests have in another namespace is there, and not here.
    const isElsewhere = isHop && written.has(name);
    const names = isElsewhere ? [name] : [name, own.name];
    const known = given.find((one) => one.namespace === namespace && names.includes(one.name));
    const standard = standardLabels(name);
    const selector: Labels | undefined =
      (known && labelsOf(known)) ??
      bound?.spec.selector ??
      (standard && { istio: standard.istio }) ??
      ownSelector(index, own) ??
      onlySelector(index, namespace) ??
      (isOwn(hop) && isHop && !isElsewhere ? ownLabels(own) : undefined);
    if (!selector) continue;
    const servers = index
      .ofKind('Gateway')
      .filter((gateway) => selects(gateway.spec.selector, selector))
      .flatMap((gateway) => gateway.spec.servers ?? []);
    const numbers = new Set<number>([
      80,
      443,
      ...servers.flatMap((server) => server.port?.number || []),
      ...(hop.port ? [hop.port] : []),
    ]);
    const ports = [...numbers].map((port) => ({
      name: port === 80 ? 'http2' : port === 443 ? 'https' : `tcp-${port}`,
      port,
      targetPort: known === undefined ? undefined : (podPorts(known.targetPort ?? CHART_PORT)[port] ?? port),
    }));
    const before = found.get(`${namespace}/${name}`);
    if (before) before.ports = [...new Map([...before.ports, ...ports].map((port) => [port.port, port])).values()];
    else found.set(`${namespace}/${name}`, { namespace, name, selector, ports, isSaid: known !== undefined });
  }
  return found.values();
}

/** Whether a construct of this library wrote the route. */
function isOwn({ virtualService: { manifest } }: Hop): boolean {
  return typeof manifest.metadata?.annotations?.[HOST_ANNOTATION] === 'string';
}

/** What all Gateways of a namespace select, if it is the same. */
function onlySelector(index: ManifestIndex, namespace: string): Labels | undefined {
  const texts = new Map(
    index
      .ofKind('Gateway')
      .filter((gateway) => gateway.namespace === namespace)
      .flatMap(({ spec: { selector } }) =>
        selector ? [[JSON.stringify(Object.entries(selector).sort()), selector] as const] : [],
      ),
  );
  return texts.size === 1 ? [...texts.values()][0] : undefined;
}
