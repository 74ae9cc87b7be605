import { Disagreement, Shared } from './_app-scope';
import { ClusterPlaces } from './_boundary-policy';
import { checkMetadata } from './_settings';
import type { EgressBoundary, EgressBoundaryProps } from './egress-boundary';
import { EgressGateway } from './egress-gateway';
import { IEgressGateway, InstalledEgressGateway } from './installed-egress-gateway';
import { PRIVATE_RANGES } from '../istio/ranges';
import { assertCidr, assertPortNumber, networkOf } from '../values/ip-range';
import { assertDnsLabel, assertSelector } from '../values/names';
import { Problems } from '../values/problems';

const OPENS_GUARD = (namespace: string) =>
  "A policy for all pods there would let the gateway's pods reach every other namespace on every port too, " +
  'since policies add up; ' +
  `leave "${namespace}" out: \`gateways\` guards the gateway's own pods, and applications belong into other namespaces`;

/** Refuses what cannot be a boundary, or would undo its own guards. */
export function checkBoundary(props: EgressBoundaryProps, guarded: IEgressGateway[], problems: Problems): void {
  const { namespaces = [], gateways = [], guardInstalledGateways, unsafeAllowedEgress = [] } = props;
  checkMetadata(props, problems);
  if (namespaces.length === 0 && guarded.length === 0)
    problems.add(
      'namespaces, gateways: no namespace is given and no gateway to guard, so there would be no boundary; ' +
        'name the namespaces of the applications',
    );
  for (const prop of ['namespaces', 'peers', 'callerNamespaces', 'metricsNamespaces'] as const) {
    props[prop]?.forEach((namespace, index, list) =>
      problems.check(`${prop}[${index}]`, () => {
        assertDnsLabel(namespace, 'namespace');
        if (list.indexOf(namespace) !== index) throw new Error(`"${namespace}" is there twice; name it once`);
        const gateway =
          prop === 'namespaces' ? gateways.find(({ installation }) => installation.namespace === namespace) : undefined;
        if (gateway)
          throw new Error(
            `"${namespace}" is the namespace of the gateway ${namespace}/${gateway.installation.name} ` +
              `[${gateway.node.path}]. ${OPENS_GUARD(namespace)}`,
          );
      }),
    );
  }
  for (const prop of ['gatewayPorts', 'unsafeSidecarPorts'] as const) {
    const list = props[prop];
    if (list?.length === 0) problems.add(`${prop}: empty; leave it out`);
    list?.forEach((port, index) => problems.check(`${prop}[${index}]`, () => assertPortNumber(port)));
  }
  if (props.istiodNamespace !== undefined)
    problems.check('istiodNamespace', () => assertDnsLabel(props.istiodNamespace!, 'namespace'));
  if (guardInstalledGateways) {
    gateways
      .filter((gateway) => !(gateway instanceof EgressGateway || gateway instanceof InstalledEgressGateway))
      .forEach((gateway) =>
        problems.add(
          `guardInstalledGateways: [${gateway.node.path}] only refers to the gateway ` +
            `${gateway.installation.namespace}/${gateway.installation.name} of another app; guard it in the app ` +
            'that emits it',
        ),
      );
  }
  unsafeAllowedEgress.forEach((_allowed, index) => checkAllowedEgress(props, guarded, index, problems));
}

function checkAllowedEgress(
  props: EgressBoundaryProps,
  guarded: IEgressGateway[],
  index: number,
  problems: Problems,
): void {
  const { namespace, labels, toCidrs, toNamespaces, toPorts, reason } = props.unsafeAllowedEgress![index];
  const prop = `unsafeOpenings[${index}]`;
  const ofGateway = guarded.some(({ installation }) => installation.namespace === namespace);
  const ofApplications = props.namespaces?.includes(namespace) ?? false;
  if (!ofGateway && !ofApplications) {
    problems.add(
      `${prop}.namespace: the boundary holds nothing in "${namespace}", so there is nothing to open; name one ` +
        'of its namespaces, or that of a gateway which it guards',
    );
  }
  if (labels) problems.check(`${prop}.labels`, () => assertSelector(labels));
  if (labels && ofGateway && !ofApplications)
    problems.add(
      `${prop}.labels: "${namespace}" is a gateway's namespace, where the gateway's own pods are meant; leave ` +
        `\`labels\` out`,
    );
  if (!toCidrs?.length && !toNamespaces?.length)
    problems.add(`${prop}: opens nothing; give \`toCidrs\` or \`toNamespaces\``);
  toCidrs?.forEach((range, at) => problems.check(`${prop}.toCidrs[${at}]`, () => assertCidr(range)));
  toNamespaces?.forEach((name, at) =>
    problems.check(`${prop}.toNamespaces[${at}]`, () => assertDnsLabel(name, 'namespace')),
  );
  if (toPorts?.length === 0) problems.add(`${prop}.toPorts: empty; leave it out for every port`);
  toPorts?.forEach((port, at) => problems.check(`${prop}.toPorts[${at}]`, () => assertPortNumber(port)));
  if (!reason?.trim()) problems.add(`${prop}.reason: none given; say why, for whoever audits the policies`);
}

/** What a boundary knows of the cluster, with the defaults. */
export function readPlaces(props: EgressBoundaryProps, problems: Problems): ClusterPlaces {
  const { dns = {}, istiodNamespace = 'istio-system', privateCidrs = [] } = props;
  const { namespace = 'kube-system', labels = { 'k8s-app': 'kube-dns' }, ports = [53], addresses = [] } = dns;
  problems.check('dns.namespace', () => assertDnsLabel(namespace, 'namespace'));
  problems.check('dns.labels', () => assertSelector(labels));
  if (ports.length === 0) problems.add('dns.ports: empty; leave it out for 53');
  ports.forEach((port, index) => problems.check(`dns.ports[${index}]`, () => assertPortNumber(port)));
  addresses.forEach((range, index) => problems.check(`dns.addresses[${index}]`, () => assertCidr(range)));
  const ranges = privateCidrs.flatMap(
    (range, index) =>
      problems.check(`privateCidrs[${index}]`, () => {
        assertCidr(range);
        if (range.endsWith('/0')) throw new Error(`"${range}" is every address, so nothing would be outside`);
        return networkOf(range);
      }) ?? [],
  );
  return {
    dns: { namespace, labels, ports, addresses },
    istiodNamespace,
    privateRanges: {
      v4: [...new Set([...PRIVATE_RANGES.v4, ...ranges.filter((range) => !range.includes(':'))])],
      v6: [...new Set([...PRIVATE_RANGES.v6, ...ranges.filter((range) => range.includes(':'))])],
    },
  };
}

/** What guards a gateway in one boundary must not be undone by another of the app. */
export class Guards implements Shared {
  private readonly boundaries: {
    readonly boundary: EgressBoundary;
    readonly guarded: IEgressGateway[];
    readonly namespaces: string[];
  }[] = [];

  public join(boundary: EgressBoundary, guarded: IEgressGateway[], namespaces: string[]): void {
    this.boundaries.push({ boundary, guarded, namespaces });
  }

  public disagreements(): Disagreement[] {
    const guards = new Map<string, { by: EgressBoundary; name: string }>();
    for (const { boundary: by, guarded } of this.boundaries) {
      for (const {
        installation: { namespace, name },
      } of guarded)
        guards.set(namespace, guards.get(namespace) ?? { by, name });
    }
    return this.boundaries.flatMap(({ boundary: construct, namespaces }) =>
      namespaces
        .filter((namespace) => guards.has(namespace))
        .map((namespace) => {
          const { by, name } = guards.get(namespace)!;
          const problem =
            `boundary-opens-guard: "${namespace}" under \`namespaces\` is the namespace of the gateway ` +
            `${namespace}/${name}, which [${by.node.path}] guards. ${OPENS_GUARD(namespace)}.`;
          return { construct, problem };
        }),
    );
  }
}
