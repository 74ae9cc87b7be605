import { ApiObject, Yaml } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { checkMetadata, where } from './_settings';
import { Sidecar, SidecarSpec } from '../../imports/networking.istio.io';
import { assertCidr } from '../values/ip-range';
import { assertDnsLabel, assertSelector, keyOf, objectName } from '../values/names';
import { Problems } from '../values/problems';

/** Workloads of one namespace, picked by the labels of their pods. */
export interface WorkloadSelection {
  /** The namespace of the workloads. */
  readonly namespace: string;

  /** Labels that their pods carry. At least one. */
  readonly labels: Record<string, string>;
}

/** Properties for `RegistryOnlyMesh`. */
export interface RegistryOnlyMeshProps {
  /**
   * The namespace whose Sidecar is the default of the whole mesh (`meshConfig.rootNamespace`).
   *
   * @default "istio-system"
   */
  readonly rootNamespace?: string;

  /**
   * Lock only these namespaces.
   *
   * @default - the whole mesh, unless `workloads` are given
   */
  readonly namespaces?: string[];

  /**
   * Lock only these workloads. Not in the root namespace.
   *
   * @default - the whole mesh, unless `namespaces` are given
   */
  readonly workloads?: WorkloadSelection[];

  /**
   * What the locked workloads know of the mesh: `<namespace>/<host>`, with `.` for their own namespace and `*` for all.
   * What is not listed cannot be called, inside the mesh as well. `./*` keeps proxies small.
   *
   * @default - everything that is visible to them (`*` + `/*`)
   * @see https://istio.io/latest/docs/reference/config/networking/sidecar/
   */
  readonly imports?: string[];

  /**
   * The name of the Sidecars that stand for a whole mesh or namespace, and the beginning of the others' names.
   *
   * @default "default"
   */
  readonly name?: string;

  /**
   * Labels on every Sidecar.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on every Sidecar.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/** Options for `RegistryOnlyMesh.helmValues`. */
export interface MeshHelmValuesOptions {
  /**
   * Address ranges that sidecars capture, in the whole mesh; everything else goes past them, unseen and unchecked. Give
   * the ranges of the cluster's pods *and* Services. Prefer `DirectEgress`, which opens one range for one workload.
   *
   * @default - everything is captured
   */
  readonly unsafeCaptureOnlyCidrs?: string[];
}

/**
 * External hosts that nobody declared are refused: HTTP is answered with 502 by the sidecar, everything else is closed.
 *
 * For the whole mesh, as the default Sidecar of the root namespace; or for named namespaces or workloads.
 * A namespace that has a Sidecar of its own is not reached by the mesh's default: Istio does not merge them.
 * The mode is not a firewall: Istio itself says so, and NetworkPolicy is what makes it one.
 *
 * @see https://istio.io/latest/docs/reference/config/networking/sidecar/#OutboundTrafficPolicy
 */
export class RegistryOnlyMesh extends Construct {
  /** The Sidecars. */
  public readonly apiObjects: ApiObject[] = [];

  constructor(scope: Construct, id: string, props: RegistryOnlyMeshProps = {}) {
    super(scope, id);
    const rootNamespace = props.rootNamespace ?? 'istio-system';
    const name = props.name ?? 'default';
    this.check(props, rootNamespace, name);

    const app = AppScope.of(this);
    app.validate(this);
    const wholeMesh = !props.namespaces && !props.workloads;
    if (wholeMesh || props.rootNamespace !== undefined) app.declareRootNamespace(this, rootNamespace);
    const lock = (objectId: string, namespace: string, sidecarName: string, labels?: Record<string, string>) => {
      const metadata = { name: sidecarName, namespace, labels: props.labels, annotations: props.annotations };
      this.apiObjects.push(
        app.emit(this, this, objectId, Sidecar, metadata, () => sidecar(props.imports ?? ['*/*'], labels)),
      );
    };
    if (wholeMesh) lock('Resource', rootNamespace, name);
    for (const namespace of props.namespaces ?? []) lock(namespace, namespace, name);
    for (const { namespace, labels } of props.workloads ?? []) {
      const entries = Object.entries(labels).sort();
      lock(
        `${namespace}:${entries.map((entry) => entry.join('=')).join(',')}`,
        namespace,
        objectName(name, keyOf('lock', ...entries.flat())),
        labels,
      );
    }
  }

  /**
   * The same lock for people who install Istio with Helm: the text of a values file for the `istiod` chart.
   * It is returned, never written among the manifests.
   *
   * @param options what else to set for the whole mesh
   * @see https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-OutboundTrafficPolicy
   */
  public helmValues(options: MeshHelmValuesOptions = {}): string {
    const ranges = options.unsafeCaptureOnlyCidrs;
    const problems = new Problems(`${where(this)}.helmValues`);
    if (ranges?.length === 0)
      problems.add('unsafeCaptureOnlyCidrs: empty, so sidecars would capture nothing at all; leave it out');
    ranges?.forEach((range, index) => problems.check(`unsafeCaptureOnlyCidrs[${index}]`, () => assertCidr(range)));
    problems.throwIfAny();
    return Yaml.stringify({
      meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      ...(ranges ? { global: { proxy: { includeIPRanges: ranges.join(',') } } } : {}),
    });
  }

  private check(props: RegistryOnlyMeshProps, rootNamespace: string, name: string): void {
    const problems = new Problems(where(this));
    problems.check('rootNamespace', () => assertDnsLabel(rootNamespace, 'namespace'));
    problems.check('name', () => assertDnsLabel(name, 'name'));
    if (props.namespaces?.length === 0) problems.add('namespaces: empty; leave it out to lock the whole mesh');
    if (props.workloads?.length === 0) problems.add('workloads: empty; leave it out to lock the whole mesh');
    props.namespaces?.forEach((namespace, index) =>
      problems.check(`namespaces[${index}]`, () => {
        assertDnsLabel(namespace, 'namespace');
        if (props.namespaces!.indexOf(namespace) !== index)
          throw new Error(`"${namespace}" is there twice; name it once`);
        if (namespace === rootNamespace)
          throw new Error(
            `"${namespace}" is the root namespace, whose Sidecar is the default of the whole mesh; leave ` +
              `\`namespaces\` out if that is meant`,
          );
      }),
    );
    props.workloads?.forEach(({ namespace, labels }, index) =>
      problems.check(`workloads[${index}]`, () => {
        assertDnsLabel(namespace, 'namespace');
        assertSelector(labels);
        if (namespace === rootNamespace)
          throw new Error(
            `a Sidecar with a selector in the root namespace "${namespace}" acts on pods there only, not on ` +
              'the mesh; name the namespace of the workloads',
          );
      }),
    );
    const seen = new Map<string, number>();
    props.workloads?.forEach(({ namespace, labels }, index) => {
      const identity = JSON.stringify([namespace, Object.entries(labels ?? {}).sort()]);
      if (seen.has(identity))
        problems.add(`workloads[${index}]: the same as workloads[${seen.get(identity)}]; name them once`);
      seen.set(identity, index);
    });
    checkMetadata(props, problems);
    if (props.imports?.length === 0)
      problems.add('imports: empty, so nothing could be called, inside the mesh either; leave it out for everything');
    props.imports?.forEach((item, index) => problems.check(`imports[${index}]`, () => assertImport(item)));
    problems.throwIfAny();
  }
}

/** The mode is always printed: the empty policy means REGISTRY_ONLY too, but nobody can see it. */
function sidecar(hosts: string[], labels?: Record<string, string>): SidecarSpec {
  return {
    workloadSelector: labels && { labels },
    egress: [{ hosts }],
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' as any },
  };
}

function assertImport(item: string): void {
  const [namespace, host, ...rest] = item.split('/');
  if (host === undefined || rest.length > 0)
    throw new Error(
      `"${item}" is not <namespace>/<host>; write "./*" for everything in the workload's own namespace, "*/*" ` +
        'for everything',
    );
  if (namespace !== '.' && namespace !== '*') assertDnsLabel(namespace, 'namespace');
  const name = host.replace(/^\*\./, '');
  if (host !== '*' && (!name.includes('.') || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))) {
    throw new Error(`"${host}" in "${item}" is no fully qualified host, no "*.example.com" and not "*"`);
  }
}
