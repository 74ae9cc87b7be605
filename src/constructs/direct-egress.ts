import { Construct, IConstruct } from 'constructs';
import { AppScope } from './_app-scope';
import { AllowedDestination } from './_allowed-egress';
import { PodAnnotations, podAnnotations, podPlace } from './_pod-template';
import { where } from './_settings';
import { assertCidr, assertPortNumber } from '../values/ip-range';
import { Problems } from '../values/problems';

/** Properties for `DirectEgress`. */
export interface DirectEgressProps {
  /**
   * The workloads: anything with a pod template, from cdk8s-plus, from generated classes, or an ApiObject;
   * or a construct that holds just one.
   */
  readonly workloads: IConstruct[];

  /**
   * Address ranges that go past the sidecar, on every port. With a mask: `203.0.113.40/32`.
   *
   * @default - none
   */
  readonly toCidrs?: string[];

  /**
   * Ports that go past the sidecar, at every address.
   *
   * @default - none
   */
  readonly toPorts?: number[];

  /**
   * The only address ranges that the sidecar still captures; everything else goes past it, in-mesh traffic
   * too where a range of the cluster is missing. Give the ranges of pods *and* Services. Prefer `toCidrs`.
   *
   * @default - everything is captured, except `toCidrs` and `toPorts`
   */
  readonly unsafeCaptureOnlyCidrs?: string[];

  /**
   * Why, for whoever audits the pods.
   *
   * @default "past the sidecar"
   */
  readonly reason?: string;
}

const EXCLUDE_CIDRS = 'traffic.sidecar.istio.io/excludeOutboundIPRanges';
const EXCLUDE_PORTS = 'traffic.sidecar.istio.io/excludeOutboundPorts';
const INCLUDE_CIDRS = 'traffic.sidecar.istio.io/includeOutboundIPRanges';

/** Marks pods that have a way past their sidecar, so that audits find them. */
const MARK = 'cdk8s-istio-egress/direct-egress';

/** What `DirectEgress` itself wrote on a workload, so that several can add to it. */
const WRITTEN = new WeakMap<object, Record<string, string>>();

/**
 * The visible opt-out: named workloads reach address ranges or ports past their sidecar.
 *
 * No policy, no metrics and no TLS origination apply there; all other traffic of the pods is still held to the mesh's
 * policy. The annotations count when a pod is created, so running pods must be re-created. They cannot name hosts: only
 * addresses and ports exist at that level. An `EgressBoundary` of the same app lets these pods through to them, but
 * nowhere that only `unsafeCaptureOnlyCidrs` leaves uncaptured.
 *
 * @see https://istio.io/latest/docs/reference/config/annotations/
 */
export class DirectEgress extends Construct {
  constructor(scope: Construct, id: string, props: DirectEgressProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const { workloads, toCidrs, toPorts, unsafeCaptureOnlyCidrs: captured } = props;
    if (!workloads || workloads.length === 0)
      problems.add('workloads: none given; name the workloads that may go past their sidecar');
    if (!toCidrs && !toPorts && !captured)
      problems.add(
        'toCidrs, toPorts: neither is given, so nothing would go past the sidecar; name address ranges or ports',
      );
    for (const [prop, list] of Object.entries({ toCidrs, toPorts, unsafeCaptureOnlyCidrs: captured })) {
      if (list?.length === 0) problems.add(`${prop}: empty; leave it out`);
    }
    toCidrs?.forEach((range, index) =>
      problems.check(`toCidrs[${index}]`, () => {
        assertCidr(range);
        if (range.endsWith('/0'))
          throw new Error(
            `"${range}" is every address: then the pods are better off without a sidecar (label ` +
              'sidecar.istio.io/inject: "false")',
          );
      }),
    );
    toPorts?.forEach((port, index) => problems.check(`toPorts[${index}]`, () => assertPortNumber(port)));
    captured?.forEach((range, index) => problems.check(`unsafeCaptureOnlyCidrs[${index}]`, () => assertCidr(range)));
    if (props.reason !== undefined && !props.reason?.trim())
      problems.add('reason: none given; say why, for whoever audits the pods, or leave it out');
    const pods = (workloads ?? []).map((workload, index) =>
      problems.check(`workloads[${index}]`, () => podAnnotations(workload)),
    );
    pods.forEach((pod, index) => {
      if (!pod) return;
      const place = `workloads[${index}]: [${workloads[index].node.path}]`;
      if (pods.findIndex((other) => other?.key === pod.key) !== index)
        problems.add(`${place} is there twice; name it once`);
      else checkForeign(pod, place, problems);
    });
    problems.throwIfAny();

    for (const pod of pods) {
      if (toCidrs) extend(pod!, EXCLUDE_CIDRS, toCidrs);
      if (toPorts) extend(pod!, EXCLUDE_PORTS, toPorts.map(String));
      if (captured) extend(pod!, INCLUDE_CIDRS, captured);
      extend(pod!, MARK, [props.reason ?? 'past the sidecar'], '; ');
    }
    this.declareAllowedEgress(workloads, toCidrs, toPorts);
    this.node.addValidation({ validate: () => pods.flatMap((pod, index) => overwritten(pod!, workloads[index])) });
  }

  /** For a boundary of the same app, if there is one: exactly what goes past the sidecar on purpose. */
  private declareAllowedEgress(
    workloads: IConstruct[],
    cidrs: string[] | undefined,
    ports: number[] | undefined,
  ): void {
    if (!cidrs && !ports) return;
    const { allowedEgress } = AppScope.of(this);
    const to: AllowedDestination[] = [];
    if (cidrs) to.push({ to: { cidrs } });
    if (ports) to.push({ to: 'public', ports });
    for (const workload of workloads) {
      const { namespace, labels } = podPlace(workload);
      if (namespace === undefined || Object.keys(labels).length === 0) allowedEgress.unplaced.push(workload);
      else allowedEgress.add({ by: this, from: { namespace, labels }, to: () => to });
    }
  }
}

/** What somebody else wrote on the pods must not be changed silently. */
function checkForeign(pod: PodAnnotations, place: string, problems: Problems): void {
  for (const name of [EXCLUDE_CIDRS, EXCLUDE_PORTS, INCLUDE_CIDRS]) {
    const value = pod.get(name);
    if (value !== undefined && value !== WRITTEN.get(pod.key)?.[name]) {
      problems.add(
        `${place} carries ${name}: "${value}" already; let either the annotation or DirectEgress say what goes ` +
          'past the sidecar',
      );
    }
  }
}

/** What the app did to the pod template afterwards must not have undone this. */
function overwritten(pod: PodAnnotations, workload: IConstruct): string[] {
  return Object.entries(WRITTEN.get(pod.key) ?? {})
    .filter(([name, value]) => pod.get(name) !== value)
    .map(
      ([name, value]) =>
        `[${workload.node.path}] was to carry ${name}: "${value}", but its pod template says ` +
        `${JSON.stringify(pod.get(name))}; leave that annotation to DirectEgress.`,
    );
}

/** The injector takes a list without blanks; several DirectEgress of one workload add up. */
function extend(pod: PodAnnotations, name: string, items: string[], separator = ','): void {
  const written = WRITTEN.get(pod.key) ?? {};
  const all = [...new Set([...(written[name]?.split(separator) ?? []), ...items])];
  pod.set(name, all.join(separator));
  WRITTEN.set(pod.key, { ...written, [name]: all.join(separator) });
}
