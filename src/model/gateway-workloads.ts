import { World } from './world';
import { fullHost } from '../manifests/hosts';
import { Indexed } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { gatewayNamespace } from '../manifests/routes';
import { selects } from '../manifests/selectors';

/** The pods of one gateway. */
export interface GatewayWorkload {
  /** Its name in answers: `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  /** Unknown where the pods are known only from a Service or a Gateway's selector. */
  readonly serviceAccount?: string;
  /** The number of the port that a Service's targetPort refers to by name. */
  readonly namedPort?: number;
  /** Whether `envoyDebugHeaders` are disabled, so that Envoy adds no headers about itself. */
  readonly hidesEnvoyHeaders?: boolean;
  /** What the model assumes about it, where the manifests do not say. */
  readonly assumption?: string;
}

const POD_TEMPLATES = ['Deployment', 'DaemonSet', 'StatefulSet'];

/**
 * The gateways' pods, and the Services that exist without being among the manifests. An access table lists all
 * gateways. Without one, they are read from pod templates, then from Services; and a Service that is missing from the
 * manifests but is the destination of a gateway's routes is assumed to be a gateway's, which the answer lists as an
 * assumption.
 */
export function gatewayWorkloads(
  index: ManifestIndex,
  world: World,
): { workloads: GatewayWorkload[]; services: Indexed[] } {
  const installed = [
    ingressGateway(),
    ...(world.gateways ?? []).flatMap(({ name, namespace, labels, targetPort }) =>
      name === undefined
        ? []
        : [
            syntheticService(namespace, name, {
              selector: labels,
              ports: [
                { name: 'http2', port: 80, targetPort: 8080 },
                { name: 'https', port: 443, targetPort },
              ],
            }),
          ],
    ),
  ];
  const declared = new Set(index.services.map((service) => `${service.namespace}/${service.name}`));
  const services = installed.filter((service) => !declared.has(`${service.namespace}/${service.name}`));
  if (world.gateways) {
    const workloads = world.gateways.map(
      ({ name, namespace, labels, serviceAccount, targetPort }): GatewayWorkload => ({
        id: `${namespace}/${name ?? labels.istio ?? 'gateway'}`,
        namespace,
        labels,
        serviceAccount,
        namedPort: targetPort,
        hidesEnvoyHeaders: templatesOf(index).some(
          (object) =>
            object.namespace === namespace &&
            selects(labels, object.spec.template?.metadata?.labels) &&
            hidesHeaders(object),
        ),
      }),
    );
    return { workloads, services };
  }
  const workloads = new Map<string, GatewayWorkload>();
  const selectors = index
    .ofKind('Gateway')
    .map((gateway) => gateway.spec.selector as Record<string, string> | undefined)
    .filter((selector) => selector !== undefined);
  for (const object of templatesOf(index)) {
    const template = object.spec.template;
    const labels: Record<string, string> = template?.metadata?.labels ?? {};
    if (!selectors.some((selector) => selects(selector, labels))) continue;
    const id = `${object.namespace}/${object.name}`;
    workloads.set(id, {
      id,
      namespace: object.namespace,
      labels,
      serviceAccount: template.spec?.serviceAccountName ?? 'default',
      hidesEnvoyHeaders: hidesHeaders(object),
    });
  }
  const isKnown = (namespace: string, selector: Record<string, string>) =>
    [...workloads.values()].some((pod) => pod.namespace === namespace && selects(selector, pod.labels));
  for (const service of index.services) {
    const selector: Record<string, string> | undefined = service.spec.selector;
    if (!selector || isKnown(service.namespace, selector)) continue;
    const matching = selectors.filter((wanted) => selects(wanted, selector) || selects(selector, wanted));
    if (matching.length === 0) continue;
    const id = `${service.namespace}/${service.name}`;
    workloads.set(id, {
      id,
      namespace: service.namespace,
      labels: Object.assign({}, ...matching.filter((wanted) => compatible(wanted, selector)), selector),
      assumption:
        `the pods of Service ${id} have the labels that the Gateways select: their pod template is not among the ` +
        'manifests',
    });
  }
  for (const [id, { namespace, name, selector, ports }] of missingServices(index, declared)) {
    if (!isKnown(namespace, selector)) {
      workloads.set(id, {
        id,
        namespace,
        labels: selector,
        assumption:
          `Service ${id}, which is not among the manifests, selects the gateway pods with the labels ` +
          `${labelText(selector) || '{}'} and maps each port to itself`,
      });
    }
    services.push(syntheticService(namespace, name, { selector, ports }));
  }
  return { workloads: [...workloads.values()], services };
}

function templatesOf(index: ManifestIndex): Indexed[] {
  return index.kinds.flatMap((bucket) => (POD_TEMPLATES.includes(bucket[0]?.kind) ? bucket : []));
}

function hidesHeaders({ spec }: Indexed): boolean {
  const text: string = spec.template?.metadata?.annotations?.['proxy.istio.io/config'] ?? '';
  return /envoyDebugHeaders"?\s*:\s*\{?\s*"?disabled"?\s*:\s*true/.test(text);
}

/** The ingress gateway of Istio's default profile: almost every mesh has a Service with HTTP on port 80. */
function ingressGateway(): Indexed {
  return syntheticService('istio-system', 'istio-ingressgateway', {
    selector: { istio: 'ingressgateway' },
    ports: [
      { name: 'status-port', port: 15021 },
      { name: 'http2', port: 80, targetPort: 8080 },
      { name: 'https', port: 443, targetPort: 8443 },
    ],
  });
}

/** Services inside the cluster that are destinations of routes but are not among the manifests. */
function missingServices(index: ManifestIndex, declared: ReadonlySet<string>) {
  const found = new Map<string, { namespace: string; name: string; selector: Record<string, string>; ports: any[] }>();
  const gateways = new Map(index.ofKind('Gateway').map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
  const entries = new Set(index.ofKind('ServiceEntry').flatMap(({ spec }) => (spec.hosts ?? []) as string[]));
  for (const hop of index.hops) {
    const host = fullHost(hop.host, hop.virtualService.namespace);
    const match = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host);
    if (!match || entries.has(host) || declared.has(`${match[2]}/${match[1]}`)) continue;
    const [, name, namespace] = match;
    const bound = ((hop.virtualService.spec.gateways ?? []) as string[])
      .filter((gateway) => gateway !== 'mesh')
      .map((gateway) =>
        gateways.get(gateway.includes('/') ? gateway : `${gatewayNamespace(hop.virtualService, gateway)}/${gateway}`),
      )
      .find((gateway) => gateway !== undefined);
    const wellKnown =
      name === 'istio-egressgateway' || name === 'istio-ingressgateway'
        ? { istio: name.replace('istio-', '') }
        : undefined;
    const selector: Record<string, string> | undefined = bound?.spec.selector ?? wellKnown;
    if (!selector) continue;
    const servers = index
      .ofKind('Gateway')
      .filter((gateway) => selects(gateway.spec.selector, selector))
      .flatMap((gateway) => gateway.spec.servers ?? []);
    const numbers = new Set<number>([
      80,
      443,
      ...servers.map((server: any) => server.port?.number).filter(Boolean),
      ...(hop.port ? [hop.port] : []),
    ]);
    const ports = [...numbers].map((port) => ({
      name: port === 80 ? 'http2' : port === 443 ? 'https' : `tcp-${port}`,
      port,
      targetPort: port,
    }));
    const known = found.get(`${namespace}/${name}`);
    if (known) known.ports = [...new Map([...known.ports, ...ports].map((port) => [port.port, port])).values()];
    else found.set(`${namespace}/${name}`, { namespace, name, selector, ports });
  }
  return found;
}

function syntheticService(namespace: string, name: string, spec: any): Indexed {
  const manifest = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
  return new Indexed({ manifest, origin: 'not among the manifests' }, 'Service', namespace, name, spec);
}

function compatible(a: Record<string, string>, b: Record<string, string>): boolean {
  return Object.keys(a).every((key) => b[key] === undefined || b[key] === a[key]);
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
