import { MissingService, missingServices } from './missing-services';
import { gatewayOf, templatesOf, toldBy } from './pod-template';
import {
  CHART_PORT,
  ingressGateway,
  labelsOf,
  ownSelector,
  podPorts,
  sayGateway,
  STANDARD_PORT,
  standardLabels,
  syntheticService,
} from './standard';
import { GatewayWorkload } from './workload';
import { Condition, together } from '../../answer/conditions';
import { dateOfMissing } from '../ages';
import { Discovery } from '../discovery';
import { KnownGateway, World } from '../world';
import { INSTALLED } from '../service';
import { GatewayPods } from '../../../access/access-table';
import { injectionTemplates } from '../../../istio/injection';
import { podTemplateOf } from '../../../istio/pod-templates';
import { Indexed } from '../../../manifests/indexed';
import { ManifestIndex } from '../../../manifests/manifest-index';
import { selects, selectorsOverlap, Labels } from '../../../manifests/selectors';
import { ServiceSpec } from '../../../manifests/specs';
import { GATEWAY_LABEL } from '../../../values/gateway-label';

/** The ports of a gateway's Service, however Istio installs it. */
const PORTS_OF_GATEWAYS: readonly number[] = [80, 443];

type ServicePorts = NonNullable<ServiceSpec['ports']>;

/** What must be so for a port of a Service to be there; undefined where it certainly is. */
type DoubtfulPort = (port: number) => Condition | undefined;

/**
 * The gateways' pods, and the Services that exist without being among the manifests. An access table lists all
 * gateways. Without one, they are read from pod templates, then from Services; and a Service that is missing from the
 * manifests but is the destination of a gateway's routes is assumed to be a gateway's, which the answer lists as an
 * assumption.
 */
export class Gateways {
  /** The pods of each gateway. */
  public readonly workloads: readonly GatewayWorkload[];
  /** Services that exist, but are not among the manifests. */
  public readonly services: Indexed<ServiceSpec>[];
  /** Those that only routes tell of. */
  public readonly missing: Indexed<ServiceSpec>[] = [];
  /** What must be so of a Service that no manifest tells, for connections to one of its ports to work. */
  public readonly doubtful = new Map<Indexed, DoubtfulPort>();

  private readonly found = new Map<string, GatewayWorkload>();
  /** Services whose ports only routes tell. */
  private readonly guesses: Indexed<ServiceSpec>[] = [];
  private readonly discovery: Discovery;

  constructor(
    private readonly index: ManifestIndex,
    private readonly world: World,
  ) {
    this.discovery = new Discovery(index.inGroup('', 'Namespace'), world.discoverySelectors);
    const declared = new Set(index.services.map(idOf));
    this.services = installedServices(world).filter(
      (service) => !declared.has(idOf(service)) && !this.isLeftOut(service.namespace),
    );
    if (world.gateways) {
      this.workloads = world.gateways.map((gateway) => listed(index, gateway));
      return;
    }
    const selectors = index.ofKind('Gateway').flatMap(({ spec }): Labels[] => (spec.selector ? [spec.selector] : []));
    const known = (world.knownGateways ?? []).map((gateway) => asSelected(index, gateway));
    this.addFromTemplates(selectors);
    for (const gateway of known) this.addKnown(gateway);
    for (const service of index.services) this.addFromService(service, selectors);
    for (const missing of missingServices(index, declared, known))
      if (!this.isLeftOut(missing.namespace)) this.addMissing(missing);
    this.workloads = [...this.found.values()].map((workload) => {
      const own = index.services.filter((service) => isOf(service, workload));
      if (workload.containerPorts || workload.namedPort === undefined)
        for (const service of own) this.addDoubt(service, workload);
      return {
        ...workload,
        hasAssumedPorts:
          this.guesses.some((service) => isOf(service, workload)) ||
          own.some(({ spec }) => (spec.ports ?? []).some((port) => isUnknown(port, workload))),
      };
    });
  }

  /** Beside what other pods of the Service make doubtful. */
  private addDoubt(service: Indexed<ServiceSpec>, workload: GatewayWorkload): void {
    const others = this.doubtful.get(service);
    this.doubtful.set(service, (port) => others?.(port) ?? doubtOfName(service, workload, port));
  }

  private addFromTemplates(selectors: readonly Labels[]): void {
    for (const object of templatesOf(this.index)) {
      const { labels = {}, annotations } = podTemplateOf(object.manifest)?.metadata ?? {};
      const isInjected = injectionTemplates(annotations).includes('gateway');
      if (isInjected || selectors.some((selector) => selects(selector, labels)))
        this.add(gatewayOf(object, this.index));
    }
  }

  /** A gateway that `--gateway` names. */
  private addKnown(gateway: KnownGateway): void {
    const { name, namespace, serviceAccount, targetPort = CHART_PORT } = gateway;
    const labels = labelsOf(gateway);
    if (this.isKnown(namespace, labels)) return;
    const id = `${namespace}/${name}`;
    this.add({ id, namespace, labels, serviceAccount, usualAccount: name, namedPort: targetPort });
  }

  /** A gateway of which only the Service is among the manifests. */
  private addFromService(service: Indexed<ServiceSpec>, selectors: readonly Labels[]): void {
    const { namespace, spec } = service;
    const { selector } = spec;
    if (!selector || this.isKnown(namespace, selector)) return;
    const matching = selectors.filter((wanted) => selectorsOverlap(wanted, selector));
    if (matching.length === 0) return;
    const id = idOf(service);
    const unsaid = matching.find((wanted) => !selects(wanted, selector));
    this.add({
      id,
      namespace,
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

  /** A Service that only routes tell of, and the gateway behind it. */
  private addMissing({ namespace, name, selector, ports, isSaid }: MissingService): void {
    const standard = standardLabels(name);
    const isStandard = standard !== undefined && selects(selector, standard);
    const spec = {
      selector,
      ports: ports.map((port) => ({
        ...port,
        targetPort: port.targetPort ?? (isStandard ? podPorts(STANDARD_PORT)[port.port] : undefined) ?? port.port,
      })),
    };
    const service = syntheticService(namespace, name, dateOfMissing(this.world.undatedAge), spec);
    this.services.push(service);
    this.missing.push(service);
    if (!isStandard) this.guesses.push(service);
    const isOfKnownPods = this.isKnown(namespace, selector);
    const id = idOf(service);
    this.doubtful.set(
      service,
      isOfKnownPods && !isSaid
        ? () => ({ holds: `there is a Service ${id} for the gateway`, say: 'add it' })
        : (port) => this.doubtOfPort(service, port),
    );
    if (isOfKnownPods) return;
    const labels = isStandard ? standard : selector;
    const namedPort = isStandard ? STANDARD_PORT : undefined;
    const says = isStandard
      ? `is Istio's standard gateway: its pods have the labels ${labelText(labels)}, and it maps port 80 to 8080, ` +
        '443 to 8443, and any other port to itself'
      : `selects the gateway pods with the labels ${labelText(labels) || '{}'} and maps each port to itself`;
    this.add({
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

  private doubtOfPort(service: Indexed, port: number): Condition | undefined {
    if (this.discovery.of(service.namespace) === undefined)
      return {
        holds: `the discoverySelectors of the mesh select ${service.namespace}`,
        say: 'add its Namespace object, with its labels',
      };
    if (PORTS_OF_GATEWAYS.includes(port)) return undefined;
    return { holds: `Service ${idOf(service)} has a port ${port}`, say: 'add it' };
  }

  private add(workload: GatewayWorkload): void {
    this.found.set(workload.id, workload);
  }

  private isKnown(namespace: string, selector: Labels): boolean {
    return [...this.found.values()].some((pod) => pod.namespace === namespace && selects(selector, pod.labels));
  }

  private isLeftOut(namespace: string): boolean {
    return this.discovery.of(namespace) === false;
  }
}

/** Services that are said to be there. */
function installedServices({ httpPort80, gateways = [] }: World): Indexed<ServiceSpec>[] {
  return [
    ...(httpPort80 === false ? [] : [ingressGateway()]),
    ...gateways.flatMap(({ name, namespace, labels, targetPort }) =>
      name === undefined
        ? []
        : [
            syntheticService(namespace, name, INSTALLED, {
              selector: labels,
              ports: [
                { name: 'http2', port: 80, targetPort: podPorts(targetPort)[80] },
                { name: 'https', port: 443, targetPort },
              ],
            }),
          ],
    ),
  ];
}

/** A gateway of an access table, which has pods, with what pod templates tell besides. */
function listed(index: ManifestIndex, gateway: GatewayPods): GatewayWorkload {
  const { name, namespace, labels, serviceAccount, targetPort } = gateway;
  const told = templatesOf(index)
    .filter((one) => one.namespace === namespace && selects(labels, podTemplateOf(one.manifest)?.metadata?.labels))
    .map(toldBy);
  return {
    id: `${namespace}/${name ?? labels[GATEWAY_LABEL]?.split('.')[0] ?? labels.app ?? labels.istio ?? 'gateway'}`,
    namespace,
    labels,
    serviceAccount,
    namedPort: targetPort,
    hidesEnvoyHeaders: told.some(({ hidesEnvoyHeaders }) => hidesEnvoyHeaders),
    preservesCase: told.some(({ preservesCase }) => preservesCase),
    dns: told.find(({ dns }) => dns && (dns.asks !== undefined || dns.hostsFile.size > 0))?.dns,
    unprivileged: told.find(({ unprivileged }) => unprivileged !== undefined)?.unprivileged,
    condition: together(told.flatMap(({ condition }) => condition ?? [])),
  };
}

/** A gateway that is said to be there, as the Gateways select it. */
function asSelected(index: ManifestIndex, gateway: KnownGateway): KnownGateway {
  const own = gateway.labels === undefined ? ownSelector(index, gateway) : undefined;
  return own ? { ...gateway, labels: own, targetPort: gateway.targetPort ?? STANDARD_PORT } : gateway;
}

function idOf({ namespace, name }: Indexed): string {
  return `${namespace}/${name}`;
}

function isOf({ namespace, spec }: Indexed<ServiceSpec>, workload: GatewayWorkload): boolean {
  return namespace === workload.namespace && spec.selector !== undefined && selects(spec.selector, workload.labels);
}

/** Whether a port of a Service names one of the pods that no pod template tells. */
function isUnknown({ targetPort }: ServicePorts[number], { containerPorts }: GatewayWorkload): boolean {
  return typeof targetPort === 'string' && !/^\d+$/.test(targetPort) && !containerPorts?.has(targetPort);
}

/** A port of a Service has no endpoints where the pods have none of the name that it leads to. */
function doubtOfName(service: Indexed<ServiceSpec>, workload: GatewayWorkload, number: number): Condition | undefined {
  const port = service.spec.ports?.find((one) => one.port === number);
  if (!port || !isUnknown(port, workload)) return undefined;
  return {
    holds: `all pods of Service ${idOf(service)} have a port called ${port.targetPort}`,
    say: 'name it in their pod template',
  };
}

function compatible(a: Labels, b: Labels): boolean {
  return Object.keys(a).every((key) => b[key] === undefined || b[key] === a[key]);
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
