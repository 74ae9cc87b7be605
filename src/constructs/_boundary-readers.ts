import { Construct } from 'constructs';
import { gateway as gatewayReader, METADATA, readOwner } from './_readers';
import { BoundaryAllowedEgress, BoundaryDns, EgressBoundaryProps } from './egress-boundary-props';
import { IEgressGateway } from './i-egress-gateway';
import { AllowedDestination, PodPlace } from '../declarations/allowed-egress';
import { BoundarySettings, ClusterPlaces, opensGuard } from '../declarations/boundary';
import { contains, isPrivateRange, isRange, networkOf, PRIVATE_RANGES, throughNat64 } from '../istio/ranges';
import { isA } from '../values/brand';
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
  readProps,
  Readers,
  required,
  sentence,
  struct,
} from '../values/readers';

const NO_REASON = '; say why, for those who audit the policies';

/** Readers for the props of an `EgressBoundary`. */
const BOUNDARY: Readers<EgressBoundaryProps> = {
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

/** The options of a boundary. They are complete only if there are no problems. */
export function readBoundary(scope: Construct, props: unknown, problems: Problems): BoundarySettings {
  const checked = readProps(props, BOUNDARY, problems);
  const guarded = guardedOf(checked);
  checkBoundary(checked, guarded, problems);
  return {
    owner: readOwner(scope, checked.owner, problems),
    labels: checked.labels,
    annotations: checked.annotations,
    namespaces: checked.namespaces ?? [],
    gateways: (checked.gateways ?? []).map(({ installation }) => installation),
    guarded: guarded.map(({ installation }) => installation),
    peers: checked.peers,
    cluster: placesOf(checked),
    callerNamespaces: checked.callerNamespaces ?? [],
    metricsNamespaces: checked.metricsNamespaces ?? [],
    allowed: allowedBy(checked, guarded),
  };
}

/** What a boundary allows by itself: for guarded gateways, for applications, and as exceptions. */
function allowedBy(props: Checked<EgressBoundaryProps>, guarded: IEgressGateway[]): BoundarySettings['allowed'] {
  const { namespaces = [], gateways = [], gatewayPorts = [80, 443], unsafeSidecarPorts = [] } = props;
  const toPublic = (from: PodPlace, numbers: number[]) => ({
    from,
    to: (): AllowedDestination[] => [{ to: 'public', ports: numbers }],
  });
  const guards = guarded.map(({ installation: { namespace, labels: selected } }) => ({ namespace, labels: selected }));
  return [
    ...guards.map((from) => toPublic(from, gatewayPorts)),
    ...namespaces.flatMap((namespace) => [
      ...gateways.map(({ installation }) => ({ from: { namespace }, gateway: installation })),
      ...(unsafeSidecarPorts.length > 0 ? [toPublic({ namespace }, unsafeSidecarPorts)] : []),
    ]),
    ...(props.unsafeAllowedEgress ?? []).flatMap(
      ({ namespace, labels: selected, toCidrs, toNamespaces, toPorts, reason }) => {
        const to: AllowedDestination[] = [];
        if (toCidrs?.length) to.push({ to: { cidrs: toCidrs }, ports: toPorts });
        if (toNamespaces?.length) to.push({ to: { namespaces: toNamespaces }, ports: toPorts });
        // The applications of a namespace, or the guarded gateways there.
        const places: PodPlace[] = namespaces.includes(namespace)
          ? [{ namespace, labels: selected }]
          : guards.filter((guard) => guard.namespace === namespace);
        return places.map((from) => ({ from, to: () => to, unsafe: `hole: ${reason}` }));
      },
    ),
  ];
}

/** The gateways whose pods a boundary guards. */
function guardedOf({ gateways = [], guardInstalledGateways }: Checked<EgressBoundaryProps>): IEgressGateway[] {
  return gateways.filter(
    (gateway) => isA('EgressGateway', gateway) || (guardInstalledGateways && isA('InstalledEgressGateway', gateway)),
  );
}

/** Refuses props that are not a boundary, or that would undo its own guards. */
function checkBoundary(props: Checked<EgressBoundaryProps>, guarded: IEgressGateway[], problems: Problems): void {
  const { namespaces = [], gateways = [], guardInstalledGateways, unsafeAllowedEgress = [] } = props;
  checkDnsServers(props, problems);
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
          `${namespace}/${gateway.installation.name} [${gateway.node.path}]. ${opensGuard(namespace)}`,
      );
  });
  if (guardInstalledGateways) {
    gateways
      .filter((gateway) => !guarded.includes(gateway))
      .forEach(({ node, installation: { namespace, name } }) =>
        problems.add(
          `guardInstalledGateways: [${node.path}] only refers to the gateway ${namespace}/${name} of another ` +
            'app; guard it in the app that emits it',
        ),
      );
  }
  unsafeAllowedEgress.forEach((allowed, index) =>
    checkAllowedEgress(allowed, `unsafeAllowedEgress[${index}]`, namespaces, guarded, problems),
  );
}

/** Refuses public ranges of others, to which any port that DNS is said to have would be open. */
function checkDnsServers({ dns, privateCidrs = [] }: Checked<EgressBoundaryProps>, problems: Problems): void {
  for (const address of dns?.addresses ?? []) {
    const isOwn = isPrivateRange(address) || privateCidrs.some((own) => contains(own, address));
    if (isRange(address) && !isOwn)
      problems.add(
        `dns.addresses: "${address}" holds public addresses; name each DNS server, or add the range to ` +
          '`privateCidrs` if it is one of your networks',
      );
  }
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
        'meant; leave `labels` out',
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
function placesOf(props: Checked<EgressBoundaryProps>): ClusterPlaces {
  const { dns = {}, istiodNamespace = 'istio-system', privateCidrs = [] } = props;
  const { namespace = 'kube-system', labels: selected = { 'k8s-app': 'kube-dns' } } = dns;
  const ranges = privateCidrs.map(networkOf);
  const v4 = ranges.filter((range) => !range.includes(':'));
  const v6 = ranges.filter((range) => range.includes(':'));
  return {
    dns: { namespace, labels: selected, ports: dns.ports ?? [53], addresses: dns.addresses ?? [] },
    istiodNamespace,
    privateRanges: {
      v4: [...new Set([...PRIVATE_RANGES.v4, ...v4])],
      v6: [...new Set([...PRIVATE_RANGES.v6, ...v4.map(throughNat64), ...v6])],
    },
  };
}
