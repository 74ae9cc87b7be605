import { KnownGateway, World } from './world';
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
  /** What must be so for an answer through this gateway to hold, and how to say that it is. */
  readonly condition?: { readonly holds: string; readonly say: string };
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
    ...(world.httpPort80 === false ? [] : [ingressGateway()]),
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
  for (const gateway of world.knownGateways ?? []) {
    const { name, namespace, serviceAccount, targetPort = 443 } = gateway;
    const own = labelsOf(gateway);
    if (isKnown(namespace, own)) continue;
    const id = `${namespace}/${name}`;
    workloads.set(id, { id, namespace, labels: own, serviceAccount, namedPort: targetPort });
  }
  for (const service of index.services) {
    const selector: Record<string, string> | undefined = service.spec.selector;
    if (!selector || isKnown(service.namespace, selector)) continue;
    const matching = selectors.filter((wanted) => selects(wanted, selector) || selects(selector, wanted));
    if (matching.length === 0) continue;
    const id = `${service.namespace}/${service.name}`;
    const unsaid = matching.find((wanted) => !selects(wanted, selector));
    workloads.set(id, {
      id,
      namespace: service.namespace,
      ...(unsaid && {
        condition: { holds: `the pods of Service ${id} have the labels ${labelText(unsaid)}`, say: sayGateway(id) },
      }),
      labels: Object.assign({}, ...matching.filter((wanted) => compatible(wanted, selector)), selector),
      assumption:
        `the pods of Service ${id} have the labels that the Gateways select: their pod template is not among the ` +
        'manifests',
    });
  }
  for (const [id, { namespace, name, selector, ports }] of missingServices(index, declared, world.knownGateways)) {
    if (!isKnown(namespace, selector)) {
      workloads.set(id, {
        id,
        namespace,
        labels: selector,
        condition: {
          holds: WELL_KNOWN.has(name)
            ? `${id} is Istio's standard gateway`
            : `Service ${id} selects gateway pods with the labels ${labelText(selector)}`,
          say: sayGateway(id),
        },
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

const WELL_KNOWN = new Set(['istio-egressgateway', 'istio-ingressgateway']);

/** The hop Service of this library's gateways is called like the gateway with `-hop`. */
function sayGateway(id: string): string {
  return `--gateway ${id.replace(/-hop$/, '')}`;
}

function labelsOf({ name, labels }: KnownGateway): Record<string, string> {
  return labels ?? { app: name, istio: name.replace(/^istio-/, '') };
}

/** Services inside the cluster that are destinations of routes but are not among the manifests. */
function missingServices(index: ManifestIndex, declared: ReadonlySet<string>, given: readonly KnownGateway[] = []) {
  const found = new Map<string, { namespace: string; name: string; selector: Record<string, string>; ports: any[] }>();
  const gateways = new Map(index.ofKind('Gateway').map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
  for (const hop of index.hops) {
    const match = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(fullHost(hop.host, hop.virtualService.namespace));
    if (!match || declared.has(`${match[2]}/${match[1]}`)) continue;
    const [, name, namespace] = match;
    const bound = ((hop.virtualService.spec.gateways ?? []) as string[])
      .filter((gateway) => gateway !== 'mesh')
      .map((gateway) =>
        gateways.get(gateway.includes('/') ? gateway : `${gatewayNamespace(hop.virtualService, gateway)}/${gateway}`),
      )
      .find((gateway) => gateway !== undefined);
    const known = given.find((one) => one.namespace === namespace && [one.name, `${one.name}-hop`].includes(name));
    const wellKnown = WELL_KNOWN.has(name) ? { istio: name.replace('istio-', '') } : undefined;
    const selector: Record<string, string> | undefined =
      (known && labelsOf(known)) ?? bound?.spec.selector ?? wellKnown ?? onlySelector(index, namespace);
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
      targetPort: known?.targetPort === undefined ? port : (podPorts(known.targetPort)[port] ?? port),
    }));
    const before = found.get(`${namespace}/${name}`);
    if (before) before.ports = [...new Map([...before.ports, ...ports].map((port) => [port.port, port])).values()];
    else found.set(`${namespace}/${name}`, { namespace, name, selector, ports });
  }
  return found;
}

/** The pod ports of a gateway that maps 443 to this one: those of a pod without privileges are above 1023. */
function podPorts(targetPort: number): Record<number, number> {
  return { 80: targetPort === 443 ? 80 : 8080, 443: targetPort };
}

/** What all Gateways of a namespace select, if it is the same. */
function onlySelector(index: ManifestIndex, namespace: string): Record<string, string> | undefined {
  const texts = new Map(
    index
      .ofKind('Gateway')
      .filter((gateway) => gateway.namespace === namespace && gateway.spec.selector)
      .map(({ spec: { selector } }) => [JSON.stringify(Object.entries(selector).sort()), selector]),
  );
  return texts.size === 1 ? [...texts.values()][0] : undefined;
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
