import { Disagreement, Shared } from './_app-scope';
import { ClusterPlaces } from './_boundary-policy';
import { gateway as gatewayReader, METADATA } from './_settings';
import type { BoundaryAllowedEgress, BoundaryDns, EgressBoundary, EgressBoundaryProps } from './egress-boundary';
import type { IEgressGateway } from './installed-egress-gateway';
import { isA } from '../values/brand';
import { networkOf, PRIVATE_RANGES } from '../values/ip-range';
import { assertSelector } from '../values/names';
import { Problems } from '../values/problems';
import {
  Checked,
  cidrs,
  flag,
  label,
  labels,
  list,
  namespaceName,
  namespaceNames,
  ports,
  Readers,
  required,
  sentence,
  struct,
} from '../values/readers';

const NO_REASON = '; say why, for those who audit the policies';

/** Readers for the props of an `EgressBoundary`. */
export const BOUNDARY: Readers<EgressBoundaryProps> = {
  namespaces: namespaceNames(),
  gateways: list(gatewayReader, 'gateway'),
  guardInstalledGateways: flag,
  peers: namespaceNames(),
  dns: struct<BoundaryDns>({
    namespace: namespaceName,
    labels: labels(assertSelector),
    ports: ports('empty, so no DNS server could be reached; leave it out for 53'),
    addresses: cidrs(),
  }),
  istiodNamespace: namespaceName,
  privateCidrs: cidrs({ whole: ', so no address would be external; write the ranges of your own networks' }),
  gatewayPorts: ports('empty, which is not the default of 80 and 443; leave it out for those, or name the ports'),
  callerNamespaces: namespaceNames(),
  metricsNamespaces: namespaceNames(),
  unsafeSidecarPorts: ports(),
  unsafeAllowedEgress: list(
    struct<BoundaryAllowedEgress>({
      namespace: required(namespaceName, '; name the namespace of the pods'),
      labels: labels(assertSelector),
      toCidrs: cidrs(),
      toNamespaces: list(namespaceName, '"payments"'),
      toPorts: ports('empty; leave it out for every port'),
      reason: required(
        sentence('reason', 'the audit database', 'say why, for those who audit the policies'),
        NO_REASON,
      ),
    }),
    '{ namespace: "payments", toCidrs: ["10.20.0.0/16"], reason: "…" }',
  ),
  owner: label('owner', 'team-a'),
  ...METADATA,
};

/** The gateways whose pods a boundary guards. */
export function guardedOf({ gateways = [], guardInstalledGateways }: Checked<EgressBoundaryProps>): IEgressGateway[] {
  return gateways.filter(
    (gateway) => isA('EgressGateway', gateway) || (guardInstalledGateways && isA('InstalledEgressGateway', gateway)),
  );
}

const OPENS_GUARD = (namespace: string) =>
  "A policy for all pods there would also let the gateway's pods reach every other namespace on every port, since " +
  `policies add up; leave "${namespace}" out: \`gateways\` guards the gateway's own pods, and applications belong in ` +
  'other namespaces';

/** Refuses props that are not a boundary, or that would undo its own guards. */
export function checkBoundary(
  props: Checked<EgressBoundaryProps>,
  guarded: IEgressGateway[],
  problems: Problems,
): void {
  const { namespaces = [], gateways = [], guardInstalledGateways, unsafeAllowedEgress = [] } = props;
  if (namespaces.length === 0 && guarded.length === 0 && !problems.has('namespaces') && !problems.has('gateways'))
    problems.add(
      'namespaces, gateways: there is neither a namespace nor a gateway to guard, so there would be no boundary; ' +
        'name the namespaces of the applications',
    );
  namespaces.forEach((namespace, index) => {
    const gateway = gateways.find(({ installation }) => installation.namespace === namespace);
    if (gateway)
      problems.add(
        `namespaces[${index}]: "${namespace}" is the namespace of the gateway ` +
          `${namespace}/${gateway.installation.name} [${gateway.node.path}]. ${OPENS_GUARD(namespace)}`,
      );
  });
  if (guardInstalledGateways) {
    gateways
      .filter((gateway) => !guarded.includes(gateway))
      .forEach(({ node, installation: { namespace, name } }) =>
        problems.add(
          `guardInstalledGateways: [${node.path}] only refers to the gateway ${namespace}/${name} of another ` +
            'app; guard ' +
            'it in the app that emits it',
        ),
      );
  }
  unsafeAllowedEgress.forEach((allowed, index) =>
    checkAllowedEgress(allowed, `unsafeAllowedEgress[${index}]`, namespaces, guarded, problems),
  );
}

function checkAllowedEgress(
  { namespace, labels: selected, toCidrs, toNamespaces }: BoundaryAllowedEgress,
  prop: string,
  namespaces: string[],
  guarded: IEgressGateway[],
  problems: Problems,
): void {
  const ofGateway = guarded.some(({ installation }) => installation.namespace === namespace);
  const ofApplications = namespaces.includes(namespace);
  if (namespace && !ofGateway && !ofApplications) {
    problems.add(
      `${prop}.namespace: the boundary does not restrict "${namespace}", so there is nothing to open; name one of ` +
        'its namespaces, or that of a gateway which it guards',
    );
  }
  if (selected && ofGateway && !ofApplications)
    problems.add(
      `${prop}.labels: "${namespace}" is the namespace of a gateway, and only the gateway's own pods can be ` +
        'meant; leave ' +
        '`labels` out',
    );
  if (
    !toCidrs?.length &&
    !toNamespaces?.length &&
    !problems.has(`${prop}.toCidrs`) &&
    !problems.has(`${prop}.toNamespaces`)
  )
    problems.add(`${prop}: opens nothing; give \`toCidrs\` or \`toNamespaces\``);
}

/** What a boundary knows about the cluster, with the defaults. */
export function placesOf(props: Checked<EgressBoundaryProps>): ClusterPlaces {
  const { dns = {}, istiodNamespace = 'istio-system', privateCidrs = [] } = props;
  const { namespace = 'kube-system', labels: selected = { 'k8s-app': 'kube-dns' } } = dns;
  const ranges = privateCidrs.map(networkOf);
  return {
    dns: { namespace, labels: selected, ports: dns.ports ?? [53], addresses: dns.addresses ?? [] },
    istiodNamespace,
    privateRanges: {
      v4: [...new Set([...PRIVATE_RANGES.v4, ...ranges.filter((range) => !range.includes(':'))])],
      v6: [...new Set([...PRIVATE_RANGES.v6, ...ranges.filter((range) => range.includes(':'))])],
    },
  };
}

/** The guard of a gateway in one boundary must not be undone by another boundary of the app. */
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
