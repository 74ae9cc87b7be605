import { FieldRef } from '../answer/answer';
import { Condition, together } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { Discovery } from './discovery';
import { PodDns, podDnsOf } from './pod-dns';
import { isForeign, proxyConfigOf } from './proxy-config';
import { unknownVariable } from './proxy-variables';
import { KnownGateway, World } from './world';
import { isTrue } from '../../istio/booleans';
import { fullHost } from '../../istio/hosts';
import { BOOTSTRAP_OVERRIDE, PROXY_CONFIG, PROXY_CONTAINER } from '../../istio/injection';
import { podTemplateOf, podTemplatePath } from '../../istio/pod-templates';
import { serviceOfHost } from '../../istio/service-names';
import { pathOf } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { ManifestIndex } from '../../manifests/manifest-index';
import { fullGateway } from '../../manifests/routes';
import { selects } from '../../manifests/selectors';
import { withoutNamespace } from '../../manifests/servers';
import { ServiceSpec } from '../../manifests/specs';
import { GATEWAY_LABEL } from '../../values/gateway-installation';

/** The pods of one gateway. */
export interface GatewayWorkload {
  /** Its name in answers: `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Whether the pods may have labels beside these, because they are known only from what selects them. */
  readonly hasOtherLabels?: boolean;
  /** Unknown where the pods are known only from a Service or a Gateway's selector. */
  readonly serviceAccount?: string;
  /** The service account with which Istio's Helm chart installs it, where it is said to have done so. */
  readonly usualAccount?: string;
  /** The number of the port that a Service's targetPort refers to by name. */
  readonly namedPort?: number;
  /** The ports of its containers, by name, where a pod template tells them. */
  readonly containerPorts?: ReadonlyMap<string, number>;
  /** Whether its pods may listen on other ports than the model assumes. */
  readonly hasAssumedPorts?: boolean;
  /** What says that its pods may open no port below 1024, for which istiod then makes no listener. */
  readonly unprivileged?: FieldRef;
  /** Whether `envoyDebugHeaders` are disabled, so that Envoy adds no headers about itself. */
  readonly hidesEnvoyHeaders?: boolean;
  /** How they look up names, where that is not usual. */
  readonly dns?: PodDns;
  /** What the model assumes about it, where the manifests do not say. */
  readonly assumption?: string;
  /** What must be so for an answer through this gateway to hold, and how to say that it is. */
  readonly condition?: Condition;
}

/** The number of a Service's targetPort at the pods of a gateway. */
export function podPort({ namedPort, containerPorts }: GatewayWorkload, port: number, targetPort: unknown): number {
  if (typeof targetPort === 'number') return targetPort;
  if (typeof targetPort !== 'string') return port;
  return /^\d+$/.test(targetPort) ? Number(targetPort) : (containerPorts?.get(targetPort) ?? namedPort ?? port);
}

/** The port of a gateway's pods, unless it is only assumed. */
export function knownPort({ hasAssumedPorts }: GatewayWorkload, port: number): number | undefined {
  return hasAssumedPorts ? undefined : port;
}

type Labels = Readonly<Record<string, string>>;
type ServicePorts = NonNullable<ServiceSpec['ports']>;

/** The pod port behind port 443 of a gateway that Istio's Helm chart installs: it maps each port to itself. */
const CHART_PORT = 443;

/** The same of Istio's profiles, and of an `EgressGateway`. */
const STANDARD_PORT = 8443;

/** The ports of a gateway's Service, however Istio installs it. */
const PORTS_OF_GATEWAYS: readonly number[] = [80, 443];

/** What must be so for a port of a Service to be there; undefined where it certainly is. */
type DoubtfulPort = (port: number) => Condition | undefined;

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
): {
  workloads: GatewayWorkload[];
  services: Indexed<ServiceSpec>[];
  /** What must be so of a Service that no manifest tells, for connections to one of its ports to work. */
  doubtful: ReadonlyMap<Indexed, DoubtfulPort>;
} {
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
  const discovery = new Discovery(index.inGroup('', 'Namespace'), world.discoverySelectors);
  const isLeftOut = ({ namespace }: { readonly namespace: string }) => discovery.of(namespace) === false;
  const declared = new Set(index.services.map((service) => `${service.namespace}/${service.name}`));
  const services = installed.filter(
    (service) => !declared.has(`${service.namespace}/${service.name}`) && !isLeftOut(service),
  );
  if (world.gateways) {
    const workloads = world.gateways.map(({ name, namespace, labels, serviceAccount, targetPort }): GatewayWorkload => {
      const templates = templatesOf(index).filter(
        (object) => object.namespace === namespace && selects(labels, podTemplateOf(object.manifest)?.metadata?.labels),
      );
      return {
        id: `${namespace}/${name ?? labels.istio ?? 'gateway'}`,
        namespace,
        labels,
        serviceAccount,
        namedPort: targetPort,
        hidesEnvoyHeaders: templates.some(hidesHeaders),
        dns: templates.map(podDnsOf).find((dns) => dns !== undefined),
      };
    });
    return { workloads, services, doubtful: new Map() };
  }
  const workloads = new Map<string, GatewayWorkload>();
  const selectors = index
    .ofKind('Gateway')
    .map((gateway) => gateway.spec.selector)
    .filter((selector) => selector !== undefined);
  for (const object of templatesOf(index)) {
    const { metadata, spec } = podTemplateOf(object.manifest) ?? {};
    const labels = metadata?.labels ?? {};
    if (!selectors.some((selector) => selects(selector, labels))) continue;
    const id = `${object.namespace}/${object.name}`;
    workloads.set(id, {
      id,
      namespace: object.namespace,
      labels,
      serviceAccount: spec?.serviceAccountName ?? 'default',
      containerPorts: new Map(
        (spec?.containers ?? []).flatMap(({ ports }) =>
          (ports ?? []).flatMap(({ name, containerPort }) =>
            name === undefined || containerPort === undefined ? [] : [[name, containerPort] as const],
          ),
        ),
      ),
      hidesEnvoyHeaders: hidesHeaders(object),
      dns: podDnsOf(object),
      unprivileged: unprivilegedBy(object),
      condition: together([unlessScaledDown(object), unlessConfigured(object)].filter((one) => one !== undefined)),
    });
  }
  const isKnown = (namespace: string, selector: Labels) =>
    [...workloads.values()].some((pod) => pod.namespace === namespace && selects(selector, pod.labels));
  const known = (world.knownGateways ?? []).map((gateway) => asSelected(index, gateway));
  for (const gateway of known) {
    const { name, namespace, serviceAccount, targetPort = CHART_PORT } = gateway;
    const own = labelsOf(gateway);
    if (isKnown(namespace, own)) continue;
    const id = `${namespace}/${name}`;
    workloads.set(id, { id, namespace, labels: own, serviceAccount, usualAccount: name, namedPort: targetPort });
  }
  for (const service of index.services) {
    const { selector } = service.spec;
    if (!selector || isKnown(service.namespace, selector)) continue;
    const matching = selectors.filter((wanted) => selects(wanted, selector) || selects(selector, wanted));
    if (matching.length === 0) continue;
    const id = `${service.namespace}/${service.name}`;
    const unsaid = matching.find((wanted) => !selects(wanted, selector));
    workloads.set(id, {
      id,
      namespace: service.namespace,
      ...(unsaid && {
        condition: {
          holds: `the pods of Service ${id} have the labels ${labelText(unsaid)}`,
          say: sayGateway(id, { labels: unsaid }),
        },
      }),
      labels: Object.assign({}, ...matching.filter((wanted) => compatible(wanted, selector)), selector),
      hasOtherLabels: true,
      assumption:
        `the pods of Service ${id} have the labels that the Gateways select: their pod template is not among the ` +
        'manifests',
    });
  }
  const guesses: Indexed<ServiceSpec>[] = [];
  const doubtful = new Map<Indexed, DoubtfulPort>();
  for (const [id, { namespace, name, selector, ports, isSaid }] of missingServices(index, declared, known)) {
    if (isLeftOut({ namespace })) continue;
    const standard = standardLabels(name);
    const isStandard = standard !== undefined && selects(selector, standard);
    const service = syntheticService(namespace, name, {
      selector,
      ports: ports.map((port) => ({
        ...port,
        targetPort: port.targetPort ?? (isStandard ? podPorts(STANDARD_PORT)[port.port] : undefined) ?? port.port,
      })),
    });
    services.push(service);
    if (!isStandard) guesses.push(service);
    const isOfKnownPods = isKnown(namespace, selector);
    if (isOfKnownPods && !isSaid)
      doubtful.set(service, () => ({ holds: `there is a Service ${id} for the gateway`, say: 'add it' }));
    else
      doubtful.set(service, (port) =>
        discovery.of(namespace) === undefined
          ? {
              holds: `the discoverySelectors of the mesh select ${namespace}`,
              say: 'add its Namespace object, with its labels',
            }
          : PORTS_OF_GATEWAYS.includes(port)
            ? undefined
            : { holds: `Service ${id} has a port ${port}`, say: 'add it' },
      );
    if (isOfKnownPods) continue;
    const labels = isStandard ? standard : selector;
    const namedPort = isStandard ? STANDARD_PORT : undefined;
    const says = isStandard
      ? `is Istio's standard gateway: its pods have the labels ${labelText(labels)}, and it maps port 80 to 8080, ` +
        '443 to 8443, and any other port to itself'
      : `selects the gateway pods with the labels ${labelText(labels) || '{}'} and maps each port to itself`;
    workloads.set(id, {
      id,
      namespace,
      labels,
      namedPort,
      hasOtherLabels: true,
      condition: {
        holds: isStandard
          ? `${id} is Istio's standard gateway`
          : `Service ${id} selects gateway pods with the labels ${labelText(selector)}`,
        say: sayGateway(id, { labels, targetPort: namedPort }),
      },
      assumption: `Service ${id}, which is not among the manifests, ${says}`,
    });
  }
  return {
    workloads: [...workloads.values()].map((workload) => ({
      ...workload,
      hasAssumedPorts:
        guesses.some((service) => isOf(service, workload)) ||
        index.services.some((service) => isOf(service, workload) && hasUnknownPort(service, workload)),
    })),
    services,
    doubtful,
  };
}

function isOf({ namespace, spec }: Indexed<ServiceSpec>, workload: GatewayWorkload): boolean {
  return namespace === workload.namespace && spec.selector !== undefined && selects(spec.selector, workload.labels);
}

/** Whether a Service names a port of the pods that no pod template tells. */
function hasUnknownPort({ spec }: Indexed<ServiceSpec>, { containerPorts }: GatewayWorkload): boolean {
  return (spec.ports ?? []).some(
    ({ targetPort }) => typeof targetPort === 'string' && !/^\d+$/.test(targetPort) && !containerPorts?.has(targetPort),
  );
}

/** The labels of a gateway as Istio's profiles install it, by the name of its Service. */
function standardLabels(name: string) {
  return name === 'istio-egressgateway' || name === 'istio-ingressgateway'
    ? ({ app: name, istio: name.replace('istio-', '') } as Labels)
    : undefined;
}

function templatesOf(index: ManifestIndex): Indexed[] {
  return index.kinds.flatMap((bucket) => (POD_TEMPLATES.includes(bucket[0]?.kind) ? bucket : []));
}

/** Without replicas there are no pods, unless something else scales them. */
function unlessScaledDown({ kind, namespace, name, spec }: Indexed): Condition | undefined {
  if ((spec as { readonly replicas?: number } | undefined)?.replicas !== 0) return undefined;
  const holds = `${kind} ${namespace}/${name} has pods, although its replicas are 0`;
  return { holds, say: 'give it replicas, or leave them out' };
}

/** Variables that do nothing at gateways but for their capacity to listen, which is read, and networks. */
const OF_GATEWAYS = [
  ...['DNS_CAPTURE', 'NETWORK', 'REQUESTED_NETWORK_VIEW', 'ROUTER_MODE', 'UNPRIVILEGED_POD'].map(
    (name) => `ISTIO_META_${name}`,
  ),
  'ISTIO_DUAL_STACK',
];

/** Where a gateway tells its proxy something that the model does not know: that it changes nothing. */
function unlessConfigured({ kind, namespace, name, manifest }: Indexed): Condition | undefined {
  const template = podTemplateOf(manifest);
  const annotations = template?.metadata?.annotations;
  const config = proxyConfigOf(annotations);
  const what =
    config === undefined || isForeign(config)
      ? PROXY_CONFIG
      : annotations?.[BOOTSTRAP_OVERRIDE] !== undefined
        ? BOOTSTRAP_OVERRIDE
        : unknownVariable(template, config, { configured: OF_GATEWAYS, contained: OF_GATEWAYS })?.name;
  if (what === undefined) return undefined;
  return { holds: `${what} of ${kind} ${namespace}/${name} changes nothing`, say: 'leave it out, if it does not' };
}

/** The variable of the proxy's container by which it tells istiod that it has no privileges. */
function unprivilegedBy(object: Indexed): FieldRef | undefined {
  const { containers = [] } = podTemplateOf(object.manifest)?.spec ?? {};
  for (const [index, { name, env = [] }] of containers.entries()) {
    const at = env.findIndex((one) => one.name === 'ISTIO_META_UNPRIVILEGED_POD' && isTrue(one.value));
    if (name === PROXY_CONTAINER && at >= 0) {
      const path = ['spec', 'containers', index, 'env', at];
      return fieldRef(object, pathOf([...podTemplatePath(object.manifest)!, ...path]));
    }
  }
  return undefined;
}

function hidesHeaders({ manifest }: Indexed): boolean {
  const config = proxyConfigOf(podTemplateOf(manifest)?.metadata?.annotations);
  return config?.proxyHeaders?.envoyDebugHeaders?.disabled === true;
}

/** The ingress gateway of Istio's default profile: almost every mesh has a Service with HTTP on port 80. */
function ingressGateway(): Indexed<ServiceSpec> {
  return syntheticService('istio-system', 'istio-ingressgateway', {
    selector: { istio: 'ingressgateway' },
    ports: [
      { name: 'status-port', port: 15021 },
      { name: 'http2', port: 80, targetPort: 8080 },
      { name: 'https', port: 443, targetPort: 8443 },
    ],
  });
}

/**
 * How to say what the pods of a gateway are: as one of Istio's Helm chart, if that has the labels that are needed. The
 * hop Service of this library's gateways is called like the gateway with `-hop`.
 */
export function sayGateway(
  id: string,
  { labels = {}, serviceAccount, targetPort = CHART_PORT }: GatewayInQuestion = {},
): string {
  const gateway = id.replace(/-hop$/, '');
  const name = withoutNamespace(gateway);
  const isOwn = selects(ownLabels({ name, namespace: gateway.split('/')[0] }), labels);
  if (!isOwn && !selects(labels, labelsOf({ name }))) return `add the Deployment of ${gateway}`;
  const account = serviceAccount === undefined || serviceAccount === name ? '' : `,serviceAccount=${serviceAccount}`;
  const port = isOwn || targetPort === CHART_PORT ? '' : `,targetPort=${targetPort}`;
  return `--gateway ${gateway}${port}${account} (gateways in a test), or add its Deployment`;
}

interface GatewayInQuestion {
  /** The labels that its pods must have. */
  readonly labels?: Labels;
  readonly serviceAccount?: string;
  /** The pod port to which its Service maps 443, if that is known. */
  readonly targetPort?: number;
}

/** A gateway that is said to be there, as the Gateways select it. */
function asSelected(index: ManifestIndex, gateway: KnownGateway): KnownGateway {
  const own = gateway.labels === undefined ? ownSelector(index, gateway) : undefined;
  return own ? { ...gateway, labels: own, targetPort: gateway.targetPort ?? STANDARD_PORT } : gateway;
}

/** The label of an `EgressGateway` of this name, if a Gateway selects it. */
function ownSelector(index: ManifestIndex, gateway: Pick<KnownGateway, 'name' | 'namespace'>): Labels | undefined {
  const own = ownLabels(gateway);
  return index.ofKind('Gateway').some(({ spec }) => spec.selector && selects(own, spec.selector)) ? own : undefined;
}

function ownLabels({ name, namespace }: Pick<KnownGateway, 'name' | 'namespace'>): Labels {
  return { [GATEWAY_LABEL]: `${name}.${namespace}` };
}

function labelsOf({ name, labels }: Pick<KnownGateway, 'name' | 'labels'>): Labels {
  return labels ?? { app: name, istio: name.replace(/^istio-/, '') };
}

/** Services inside the cluster that are destinations of routes but are not among the manifests. */
function missingServices(index: ManifestIndex, declared: ReadonlySet<string>, given: readonly KnownGateway[]) {
  const found = new Map<
    string,
    { namespace: string; name: string; selector: Labels; ports: ServicePorts; isSaid: boolean }
  >();
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
    // A hop Service that the manifests have in another namespace is there, and not here.
    const isElsewhere = name.endsWith('-hop') && written.has(name);
    const names = isElsewhere ? [name] : [name, name.replace(/-hop$/, '')];
    const known = given.find((one) => one.namespace === namespace && names.includes(one.name));
    const standard = standardLabels(name);
    const selector: Labels | undefined =
      (known && labelsOf(known)) ??
      bound?.spec.selector ??
      (standard && { istio: standard.istio }) ??
      ownSelector(index, { namespace, name: name.replace(/-hop$/, '') }) ??
      onlySelector(index, namespace);
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
  return found;
}

/** The pod ports of a gateway that maps 443 to this one: those of a pod without privileges are above 1023. */
function podPorts(targetPort: number): Record<number, number> {
  return { 80: targetPort === CHART_PORT ? 80 : 8080, 443: targetPort };
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

function syntheticService(namespace: string, name: string, spec: ServiceSpec): Indexed<ServiceSpec> {
  const manifest = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
  return new Indexed({ manifest, origin: 'not among the manifests' }, 'Service', namespace, name, spec);
}

function compatible(a: Labels, b: Labels): boolean {
  return Object.keys(a).every((key) => b[key] === undefined || b[key] === a[key]);
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
