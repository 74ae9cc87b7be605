import { ApiObject, Yaml } from 'cdk8s';
import { Construct } from 'constructs';
import { METADATA, readIstioVersion, where } from './_readers';
import { declareRootNamespace } from '../declarations/mesh';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { EXPORT_TO } from '../istio/annotations';
import { DEFAULT_ROOT_NAMESPACE } from '../istio/root-namespace';
import { MeshLock, meshLock } from '../recipes/mesh-lock';
import { brand } from '../values/brand';
import { assertDnsLabel, assertSelector } from '../values/names';
import { Problems } from '../values/problems';
import {
  Checked,
  cidrs,
  flag,
  label,
  labels as labelsReader,
  list,
  namespaceName,
  namespaceNames,
  readProps,
  Readers,
  required,
  struct,
  text,
} from '../values/readers';
import { shown } from '../values/shown';

/** Workloads of one namespace, selected by the labels of their pods. */
export interface WorkloadSelection {
  /** The namespace of the workloads. */
  readonly namespace: string;

  /** Labels that their pods carry. At least one. */
  readonly labels: Record<string, string>;
}

/** Properties for `RegistryOnlyMesh`. */
export interface RegistryOnlyMeshProps {
  /**
   * The root namespace of the mesh (`meshConfig.rootNamespace`), whose Sidecar is the default of the whole mesh.
   *
   * @default "istio-system"
   */
  readonly rootNamespace?: string;

  /**
   * Lock only these namespaces; not the root namespace, and none twice. May be empty if `workloads` are given.
   *
   * @default - the whole mesh, unless `workloads` are given
   */
  readonly namespaces?: string[];

  /**
   * Lock only these workloads; none in the root namespace, and none twice. May be empty if `namespaces` are given.
   *
   * @default - the whole mesh, unless `namespaces` are given
   * @example
   * new RegistryOnlyMesh(chart, 'lock', { workloads: [{ namespace: 'web', labels: { app: 'crawler' } }] });
   */
  readonly workloads?: WorkloadSelection[];

  /**
   * The hosts that are visible to the locked workloads, as `<namespace>/<host>`, with `.` for their own namespace and
   * `*` for all. All other hosts cannot be called, inside the mesh as well. `./*` keeps the configuration of proxies
   * small. At least one.
   *
   * @default - everything that is exported to them (`*` + `/*`)
   * @example
   * new RegistryOnlyMesh(chart, 'lock', { namespaces: ['payments'], imports: ['./*', 'istio-system/*', 'egress/*'] });
   * @see https://istio.io/latest/docs/reference/config/networking/sidecar/
   */
  readonly imports?: string[];

  /**
   * The name of the Sidecars for the whole mesh or a namespace, and the beginning of the others' names. A DNS label.
   *
   * @default "default"
   */
  readonly name?: string;

  /**
   * Labels for every Sidecar, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for every Sidecar.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/** Options for `RegistryOnlyMesh.helmValues`. */
export interface MeshHelmValuesOptions {
  /**
   * The only address ranges that sidecars capture, in the whole mesh, such as `10.0.0.0/8`. Everything else bypasses
   * them, unseen and unchecked. List the ranges of the cluster's pods *and* Services. Prefer `DirectEgress`, which
   * opens a range for a single workload. At least one.
   *
   * @default - everything is captured
   */
  readonly unsafeCaptureOnlyCidrs?: string[];

  /**
   * The namespaces whose ServiceEntries other namespaces may use, where these entries say so (`exportTo`). All others
   * keep theirs to themselves, so that no team takes the traffic of another with an entry of its own. Istio 1.31 and
   * later; an older release, stated as `istioVersion` of the app, gets no such setting.
   *
   * @default - none
   */
  readonly namespacesThatShareEntries?: string[];

  /**
   * Whether to write what istiod needs where teams do not trust each other with the mesh: Gateways act on pods of their
   * own namespace only, at ingress too; no proxy is given what was worked out for another, istiod asks for a token, and
   * no other namespace sees its Service.
   *
   * @default false
   * @see https://istio.io/latest/docs/reference/commands/pilot-discovery/#envvars
   */
  readonly severalTenants?: boolean;
}

/** docs/tenants.md has the reasons. */
const SEVERAL_TENANTS = {
  env: {
    PILOT_ENABLE_XDS_CACHE: 'false',
    PILOT_SCOPE_GATEWAY_TO_NAMESPACE: 'true',
    XDS_AUTH_PLAINTEXT: 'true',
  },
  serviceAnnotations: { [EXPORT_TO]: '.' },
};

const EMPTY = 'empty; leave it out to lock the whole mesh, or name what to lock';

const readersFor = (props: RegistryOnlyMeshProps): Readers<RegistryOnlyMeshProps> => {
  const outsideRoot = (why: string) =>
    text('namespace', 'payments', (namespace) => {
      assertDnsLabel(namespace, 'namespace');
      if (namespace === (props?.rootNamespace ?? DEFAULT_ROOT_NAMESPACE))
        throw new Error(`"${namespace}" is the root namespace, ${why}`);
    });
  const whole = outsideRoot(
    'whose Sidecar is the default of the whole mesh; leave `namespaces` out if that is intended',
  );
  const selected = outsideRoot(
    'where a Sidecar with a selector acts on pods there only, not on the mesh; name the namespace of the workloads',
  );
  return {
    rootNamespace: namespaceName,
    namespaces: list(whole, '"payments"', { unique: true, empty: props?.workloads?.length ? undefined : EMPTY }),
    workloads: list(
      struct<WorkloadSelection>({
        namespace: required(selected, '; name the namespace of the workloads'),
        labels: required(labelsReader(assertSelector), '; name at least one label of their pods'),
      }),
      '{ namespace: "payments", labels: { app: "checkout" } }',
      { empty: props?.namespaces?.length ? undefined : EMPTY },
    ),
    imports: list(text('<namespace>/<host>', './*', assertImport), '"./*"', {
      empty: 'empty, so nothing could be called, not even inside the mesh; leave it out for everything',
    }),
    name: label('name', 'default'),
    ...METADATA,
  };
};

const HELM_VALUES: Readers<MeshHelmValuesOptions> = {
  unsafeCaptureOnlyCidrs: cidrs({
    empty: 'empty, so sidecars would capture nothing; leave it out to capture everything',
  }),
  namespacesThatShareEntries: namespaceNames(),
  severalTenants: flag,
};

/**
 * Refuses calls to external hosts that are not declared: the sidecar answers HTTP with 502 and closes other
 * connections.
 *
 * For the whole mesh, as the default Sidecar of the root namespace; or for named namespaces or workloads. The mesh's
 * default does not apply to a namespace with a Sidecar of its own, since Istio does not merge them. This mode is not a
 * firewall, as Istio itself says; NetworkPolicies are, see `EgressBoundary`.
 *
 * @example
 * new RegistryOnlyMesh(chart, 'lock'); // the whole mesh; or some namespaces:
 * new RegistryOnlyMesh(chart, 'some', { namespaces: ['payments'], name: 'some' });
 * @see https://istio.io/latest/docs/reference/config/networking/sidecar/#OutboundTrafficPolicy
 */
export class RegistryOnlyMesh extends Construct {
  /** The Sidecars. */
  public readonly apiObjects: ApiObject[];

  private readonly wholeMesh: boolean;

  constructor(scope: Construct, id: string, props: RegistryOnlyMeshProps = {}) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, readersFor(props), problems);
    checkWorkloads(checked, problems);
    problems.throwIfAny();
    const { rootNamespace = DEFAULT_ROOT_NAMESPACE, name = 'default', namespaces = [], workloads = [] } = checked;
    const { imports = ['*/*'], labels, annotations } = checked;

    brand(this, 'RegistryOnlyMesh');
    validate(this);
    this.wholeMesh = namespaces.length === 0 && workloads.length === 0;
    if (this.wholeMesh || checked.rootNamespace !== undefined) declareRootNamespace(this, rootNamespace);
    const locks: MeshLock[] = this.wholeMesh
      ? [{ namespace: rootNamespace, wholeMesh: true }]
      : [...namespaces.map((namespace) => ({ namespace })), ...workloads];
    this.apiObjects = emit(this, meshLock(locks, imports, { name, labels, annotations }));
  }

  /**
   * The same lock for an Istio that is installed with Helm: the text of a values file for the `istiod` chart. It is
   * returned, not written to the manifests. Only a lock of the whole mesh has it. From Istio 1.31 on it also makes the
   * ServiceEntries of each namespace private to it, which no object can say for the whole mesh.
   *
   * @param options further settings for the whole mesh
   * @example
   * const values: string = new RegistryOnlyMesh(chart, 'lock').helmValues(); // one more `-f` of `helm upgrade istiod`
   * @see https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-OutboundTrafficPolicy
   */
  public helmValues(options: MeshHelmValuesOptions = {}): string {
    const problems = new Problems(`${where(this)}.helmValues`);
    const checked = readProps(options, HELM_VALUES, problems, 'options');
    const version = readIstioVersion(this, undefined, problems);
    const { unsafeCaptureOnlyCidrs: ranges, namespacesThatShareEntries: sharing = [] } = checked;
    if (!this.wholeMesh)
      problems.add(
        'this lock is for some namespaces or workloads only, and values for Helm are for the whole mesh, which they ' +
          'would lock; call it on a RegistryOnlyMesh without `namespaces` and `workloads`',
      );
    if (sharing.length > 0) problems.check('namespacesThatShareEntries', () => version.require('entryVisibility'));
    problems.throwIfAny();
    return Yaml.stringify({
      meshConfig: {
        outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
        ...(version.has('entryVisibility') ? { serviceEntryVisibility: entryVisibility(sharing) } : {}),
      },
      ...(checked.severalTenants ? { pilot: SEVERAL_TENANTS } : {}),
      ...(ranges ? { global: { proxy: { includeIPRanges: ranges.join(',') } } } : {}),
    });
  }
}

/** Makes ServiceEntries private to their namespace, whatever they say, except in the namespaces that share theirs. */
function entryVisibility(sharing: string[]): object {
  const selector = { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: sharing }] };
  const shared = { visibility: 'PUBLIC', matchingRules: [{ namespaceSelector: selector }] };
  return {
    defaultVisibility: 'NAMESPACE',
    applyToSidecars: true,
    ...(sharing.length > 0 ? { policies: [shared] } : {}),
  };
}

function checkWorkloads({ workloads = [] }: Checked<RegistryOnlyMeshProps>, problems: Problems): void {
  const seen = new Map<string, number>();
  workloads.forEach(({ namespace, labels }, index) => {
    if (!namespace || !labels) return;
    const identity = JSON.stringify([namespace, Object.entries(labels).sort()]);
    const first = seen.get(identity);
    if (first !== undefined)
      problems.add(
        `workloads[${index}]: ${shown(labels)} in ${namespace} is listed twice (workloads[${first}]); list it once`,
      );
    else seen.set(identity, index);
  });
}

function assertImport(item: string): void {
  const [namespace, host, ...rest] = item.split('/');
  if (host === undefined || rest.length > 0)
    throw new Error(
      `"${item}" is not <namespace>/<host>; write "./*" for everything in the workload's own namespace, "*/*" for ` +
        'everything',
    );
  if (namespace !== '.' && namespace !== '*') assertDnsLabel(namespace, 'namespace');
  const name = host.replace(/^\*\./, '');
  if (host !== '*' && (!name.includes('.') || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))) {
    throw new Error(
      `"${host}" in "${item}" is not a fully qualified host; write one, or "*.example.com", or "*" for all hosts`,
    );
  }
}
