import { Construct, IConstruct } from 'constructs';
import { PodAnnotations, podAnnotations, podPlace } from '../emission/pod-annotations';
import { where } from './_readers';
import { AllowedDestination, allowedEgressOf } from '../declarations/allowed-egress';
import { Problems } from '../values/problems';
import {
  cidrs,
  list,
  ports,
  readProps,
  Readers,
  required,
  sentence,
  workload as workloadReader,
} from '../values/readers';

/** Properties for `DirectEgress`. At least one of `toCidrs`, `toPorts` and `unsafeCaptureOnlyCidrs` must be given. */
export interface DirectEgressProps {
  /**
   * The workloads: of cdk8s-plus, of generated classes, or an ApiObject; or constructs that each hold exactly one. At
   * least one, none twice.
   */
  readonly workloads: IConstruct[];

  /**
   * Address ranges that bypass the sidecar, on every port. With a mask: `203.0.113.40/32`. Not `0.0.0.0/0`.
   *
   * @default - none
   */
  readonly toCidrs?: string[];

  /**
   * TCP ports that bypass the sidecar, at every address.
   *
   * @default - none
   */
  readonly toPorts?: number[];

  /**
   * The only address ranges that the sidecar captures; everything else bypasses it, including traffic in the mesh if a
   * range of the cluster is missing. List the ranges of pods *and* Services. At least one. Prefer `toCidrs`. Where several
   * are for one workload, it captures the ranges of all.
   *
   * @default - everything is captured, except `toCidrs` and `toPorts`
   */
  readonly unsafeCaptureOnlyCidrs?: string[];

  /**
   * The reason, for those who audit the pods. Written on the pods as the annotation `cdk8s-istio-egress/direct-egress`.
   *
   * @default "past the sidecar"
   */
  readonly reason?: string;
}

const NO_WORKLOADS = '; name the workloads that may bypass their sidecar';

const PROPS: Readers<DirectEgressProps> = {
  workloads: required(list(workloadReader, 'deployment', { empty: `none given${NO_WORKLOADS}` }), NO_WORKLOADS),
  toCidrs: cidrs({ whole: '; label the pods sidecar.istio.io/inject: "false" instead, so that they have no sidecar' }),
  toPorts: ports(),
  unsafeCaptureOnlyCidrs: cidrs({
    empty: 'empty, so the sidecar would capture nothing; leave it out to capture everything',
  }),
  reason: sentence('reason', 'speaks a protocol of its own', 'say why, for those who audit the pods, or leave it out'),
};

const EXCLUDE_CIDRS = 'traffic.sidecar.istio.io/excludeOutboundIPRanges';
const EXCLUDE_PORTS = 'traffic.sidecar.istio.io/excludeOutboundPorts';
const INCLUDE_CIDRS = 'traffic.sidecar.istio.io/includeOutboundIPRanges';

/** Marks pods that may bypass their sidecar, so that audits find them. */
const MARK = 'cdk8s-istio-egress/direct-egress';

/** The annotations that `DirectEgress` itself wrote on each workload, so that several can add up. */
const WRITTEN = new WeakMap<object, Record<string, string>>();

/**
 * The visible opt-out: named workloads reach address ranges or ports without their sidecar.
 *
 * No policies, metrics or TLS origination apply to that traffic; all other traffic of the pods is still subject to the
 * mesh. The annotations take effect when a pod is created, so running pods must be re-created. Hosts cannot be named,
 * as only addresses and ports exist at this level. An `EgressBoundary` of the same app opens `toCidrs` and `toPorts`
 * for these pods, but nothing that only `unsafeCaptureOnlyCidrs` leaves uncaptured.
 *
 * @example
 * new DirectEgress(chart, 'mainframe', {
 *   workloads: [deployment],
 *   toCidrs: ['203.0.113.40/32'],
 *   reason: 'speaks a protocol that no proxy knows',
 * });
 * @see https://istio.io/latest/docs/reference/config/annotations/
 */
export class DirectEgress extends Construct {
  constructor(scope: Construct, id: string, props: DirectEgressProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, PROPS, problems);
    const { workloads = [], reason = 'past the sidecar' } = checked;
    const [toCidrs, toPorts, captured] = [checked.toCidrs, checked.toPorts, checked.unsafeCaptureOnlyCidrs].map(
      (given) => (given?.length ? given : undefined),
    ) as [string[] | undefined, number[] | undefined, string[] | undefined];
    const asked = ['toCidrs', 'toPorts', 'unsafeCaptureOnlyCidrs'].some((prop) => problems.has(prop));
    if (!toCidrs && !toPorts && !captured && !asked)
      problems.add(
        'toCidrs, toPorts: neither is given, so nothing would bypass the sidecar; name address ranges or ports',
      );
    const pods = workloads.map((workload, index) =>
      problems.check(`workloads[${index}]`, () => podAnnotations(workload)),
    );
    pods.forEach((pod, index) => {
      if (!pod) return;
      const place = `workloads[${index}]: [${workloads[index].node.path}]`;
      if (pods.findIndex((other) => other?.key === pod.key) !== index)
        problems.add(`${place} is listed twice; list it once`);
      else checkForeign(pod, place, problems);
    });
    problems.throwIfAny();

    for (const pod of pods) {
      if (toCidrs) extend(pod!, EXCLUDE_CIDRS, toCidrs);
      if (toPorts) extend(pod!, EXCLUDE_PORTS, toPorts.map(String));
      if (captured) extend(pod!, INCLUDE_CIDRS, captured);
      extend(pod!, MARK, [reason], '; ');
    }
    this.declareAllowedEgress(workloads, toCidrs, toPorts);
    this.node.addValidation({ validate: () => pods.flatMap((pod, index) => overwritten(pod!, workloads[index])) });
  }

  /** Opens a boundary of the same app, if there is one, for exactly what bypasses the sidecar on purpose. */
  private declareAllowedEgress(
    workloads: IConstruct[],
    toCidrs: string[] | undefined,
    toPorts: number[] | undefined,
  ): void {
    if (!toCidrs && !toPorts) return;
    const allowedEgress = allowedEgressOf(this);
    const to: AllowedDestination[] = [];
    if (toCidrs) to.push({ to: { cidrs: toCidrs } });
    if (toPorts) to.push({ to: 'public', ports: toPorts });
    for (const workload of workloads) {
      const { namespace, labels } = podPlace(workload);
      if (namespace === undefined || Object.keys(labels).length === 0) allowedEgress.unplaced.push(workload);
      else allowedEgress.add(this, () => [{ from: { namespace, labels }, to: () => to }]);
    }
  }
}

/** An annotation of another author must not be changed silently. */
function checkForeign(pod: PodAnnotations, place: string, problems: Problems): void {
  for (const name of [EXCLUDE_CIDRS, EXCLUDE_PORTS, INCLUDE_CIDRS]) {
    const value = pod.get(name);
    if (value !== undefined && value !== WRITTEN.get(pod.key)?.[name]) {
      problems.add(
        `${place} already has the annotation ${name}: "${value}"; let either the annotation or DirectEgress ` +
          'decide what bypasses the sidecar',
      );
    }
  }
}

/** The app must not have changed our annotations afterwards. */
function overwritten(pod: PodAnnotations, workload: IConstruct): string[] {
  return Object.entries(WRITTEN.get(pod.key) ?? {})
    .filter(([name, value]) => pod.get(name) !== value)
    .map(
      ([name, value]) =>
        `[${workload.node.path}] must have the annotation ${name}: "${value}", but its pod template has ` +
        `${JSON.stringify(pod.get(name))}; leave that annotation to DirectEgress.`,
    );
}

/** The injector expects a list without blanks. Several DirectEgress for one workload add up. */
function extend(pod: PodAnnotations, name: string, items: string[], separator = ','): void {
  const written = WRITTEN.get(pod.key) ?? {};
  const all = [...new Set([...(written[name]?.split(separator) ?? []), ...items])];
  pod.set(name, all.join(separator));
  WRITTEN.set(pod.key, { ...written, [name]: all.join(separator) });
}
