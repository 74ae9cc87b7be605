import { ApiObject, JsonPatch } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { METADATA, readIstioVersion, where } from './_readers';
import type { EgressGateway } from './egress-gateway';
import { IEgressGateway } from './i-egress-gateway';
import { RegistryOnlyMesh } from './registry-only-mesh';
import { changeCount } from '../declarations/app';
import { gatewayNamespaces } from '../declarations/gateways';
import { declareRootNamespace } from '../declarations/mesh';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { overlap } from '../istio/ranges';
import { DEFAULT_ROOT_NAMESPACE } from '../istio/root-namespace';
import { DEFAULT_CLUSTER_DOMAIN } from '../istio/service-names';
import type { GuardedLocks, GuardedPods, GuardFacts } from '../recipes/guard/policy';
import { tracingSwitches } from '../recipes/trace-context';
import { isA } from '../values/brand';
import { assertDnsLabel, assertObjectName } from '../values/names';
import { Problems } from '../values/problems';
import {
  Checked,
  cidrs,
  flag,
  label,
  list,
  namespaceName,
  namespaceNames,
  oneOf,
  readProps,
  Readers,
  text,
  valueOf,
} from '../values/readers';

/** What becomes of an object that the guard finds fault with. */
export enum GuardMode {
  /** The API server refuses it. */
  ENFORCE = 'Deny',

  /** It is stored, and whoever wrote it sees a warning. */
  WARN = 'Warn',

  /** It is stored, and the API server's audit log says so. */
  AUDIT = 'Audit',
}

/** Properties for `EgressGuard`. */
export interface EgressGuardProps {
  /**
   * More namespaces of the platform: what is written there is not checked. Those of the app's gateways, the root
   * namespace and `kube-system` always count.
   *
   * @default - none
   */
  readonly platformNamespaces?: string[];

  /**
   * The namespace whose objects act on the whole mesh (`meshConfig.rootNamespace`).
   *
   * @default "istio-system"
   */
  readonly rootNamespace?: string;

  /**
   * Gateways that VirtualServices of every namespace may be bound to, such as that of an ingress gateway, each as
   * `<namespace>/<name>`.
   *
   * @default - none: each namespace may use its own
   */
  readonly sharedGateways?: string[];

  /**
   * Ranges in which Endpoints and EndpointSlices may have addresses when somebody else than Kubernetes' own controllers
   * writes them: those of the cluster's pods. Needs Kubernetes 1.31.
   *
   * @default - none: only Kubernetes writes endpoints
   */
  readonly endpointCidrs?: string[];

  /**
   * Ranges in which WorkloadEntries may have addresses: those of virtual machines in the mesh, without any of pods. A
   * proxy takes its ports from the WorkloadEntry for its address, whatever namespace that is in. Needs Kubernetes 1.31.
   *
   * @default - none: there are no WorkloadEntries
   */
  readonly machineCidrs?: string[];

  /**
   * Locks that stay on: Sidecars in the namespaces that they lock must say `REGISTRY_ONLY`, and those of the locks
   * cannot be deleted.
   *
   * @default - none: the authors of a namespace may replace its Sidecar
   * @example
   * const lock = new RegistryOnlyMesh(chart, 'lock');
   * new EgressGuard(chart, 'guard', { locks: [lock], mode: GuardMode.WARN });
   */
  readonly locks?: RegistryOnlyMesh[];

  /**
   * Refuse pods that bypass their sidecar, in the ways that are known; an `EgressBoundary` holds whatever a pod does.
   * Pods that pass have annotations, labels and settings of Istio that are known to be harmless, in the sidecar's
   * containers what Istio itself writes, and neither the host's network, user or group 1337 nor capabilities such as
   * NET_ADMIN. `DirectEgress` needs annotations that are refused, and namespaces of gateways (those of Istio's gateway
   * chart and of the Gateway API) belong in `platformNamespaces`.
   * EnvoyFilters, and TrafficExtensions with `lua`, are refused too: both can run programs as the proxy.
   *
   * Every pod is refused where the mesh gives all sidecars something else: images of a mirror or a vendor need
   * `proxyImages`, variables of your own `proxyVariables`; the guide lists what else. Write `mode: GuardMode.WARN` first,
   * and after each update of this library or of Istio.
   *
   * @default false
   */
  readonly refuseBypass?: boolean;

  /**
   * Images of the sidecars that Istio injects, without tag: where they come from a registry of your own, `refuseBypass`
   * has to know it, so that no pod brings a proxy of its own. Only together with `refuseBypass`.
   *
   * @default - those of Istio's releases: docker.io/istio/proxyv2, gcr.io/istio-release/proxyv2,
   * registry.istio.io/release/proxyv2
   */
  readonly proxyImages?: string[];

  /**
   * Variables of sidecars beside the usual ones, such as `ISTIO_META_` names of your own: what the mesh sets for all of
   * them (`proxyMetadata` of `defaultConfig`), and what pods may set. `refuseBypass` refuses others, since some decide
   * how traffic is captured. Only together with `refuseBypass`.
   *
   * @default - those that Istio's documentation has for sidecars
   */
  readonly proxyVariables?: string[];

  /**
   * What becomes of an object that breaks a rule.
   *
   * @default GuardMode.ENFORCE
   */
  readonly mode?: GuardMode;

  /**
   * The domain of Kubernetes Services.
   *
   * @default "cluster.local"
   */
  readonly clusterDomain?: string;

  /**
   * The beginning of the names of all policies.
   *
   * @default "egress-guard"
   */
  readonly name?: string;

  /**
   * Labels on every policy and binding.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on every policy and binding.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

const PROPS: Readers<EgressGuardProps> = {
  platformNamespaces: namespaceNames(),
  rootNamespace: namespaceName,
  sharedGateways: list(text('Gateway', 'istio-ingress/public', assertSharedGateway), '"istio-ingress/public"'),
  endpointCidrs: cidrs({ whole: ', so whoever writes endpoints leads to any host; write the ranges of your pods' }),
  machineCidrs: cidrs({ whole: ', those of pods too; write the ranges of your virtual machines' }),
  locks: list(
    valueOf<RegistryOnlyMesh>('RegistryOnlyMesh', "new RegistryOnlyMesh(chart, 'lock')"),
    "new RegistryOnlyMesh(chart, 'lock')",
  ),
  refuseBypass: flag,
  proxyImages: list(
    text('image', 'harbor.example.com/istio/proxyv2', assertImage),
    '"harbor.example.com/istio/proxyv2"',
  ),
  proxyVariables: list(text('variable', 'ISTIO_META_TEAM', assertVariable), '"ISTIO_META_TEAM"'),
  mode: oneOf('GuardMode', GuardMode),
  clusterDomain: text('DNS domain', 'cluster.local', (value) => assertObjectName(value, 'DNS domain')),
  name: label('name', 'egress-guard'),
  ...METADATA,
};

/** Pods of an `EgressGateway` carry it, and no others. */
const OWN_LABELS = 'cdk8s-istio-egress/';

/**
 * Has the API server refuse what reaches from one namespace into the egress of another: ServiceEntries that others see,
 * routes and rules for hosts that are not the namespace's own, Gateways on the platform's gateway pods, addresses that
 * are nobody's pods.
 *
 * Emits ValidatingAdmissionPolicies with their bindings, which Kubernetes 1.30 and later evaluates itself: nothing has
 * to run. It is the namespace of an object that decides, never who writes it. Once is enough for a mesh. What is stored
 * already is checked when it is written the next time. Who may change policies and bindings may change these.
 *
 * @example
 * new EgressGuard(chart, 'guard', { mode: GuardMode.WARN }); // first look at what it would refuse
 * @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export class EgressGuard extends Construct {
  /** The policies, each followed by its binding. */
  public readonly apiObjects: ApiObject[];

  private readonly props: Checked<EgressGuardProps>;
  private readonly rootNamespace: string;
  private readonly tracingSwitches: string[];
  private known?: { readonly at: number; readonly facts: GuardFacts };

  constructor(scope: Construct, id: string, props: EgressGuardProps = {}) {
    super(scope, id);
    const problems = new Problems(where(this));
    this.props = readProps(props, PROPS, problems);
    for (const name of ['proxyImages', 'proxyVariables'] as const)
      if (this.props[name] && !this.props.refuseBypass)
        problems.add(`${name} has no effect without \`refuseBypass: true\`; write both, or leave it out`);
    const { machineCidrs = [], endpointCidrs = [] } = this.props;
    for (const machines of machineCidrs) {
      const pods = endpointCidrs.find((range) => overlap(range, machines));
      if (pods !== undefined)
        problems.add(
          `machineCidrs: "${machines}" overlaps "${pods}" of \`endpointCidrs\`, where pods are; write the ranges of ` +
            'virtual machines only',
        );
    }
    this.tracingSwitches = tracingSwitches(readIstioVersion(this, undefined, problems));
    problems.throwIfAny();
    this.rootNamespace = this.props.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
    validate(this);
    declareRootNamespace(this, this.rootNamespace);
    const { name = 'egress-guard', mode = GuardMode.ENFORCE, refuseBypass = false, locks = [] } = this.props;
    const { labels, annotations } = this.props;
    this.apiObjects = emit(
      this,
      recipe().guard(() => this.facts, this.readLocks(locks), mode, { name, refuseBypass, labels, annotations }),
    );
    // These kinds belong to no namespace, whatever the chart says.
    for (const object of this.apiObjects)
      if (object.metadata.namespace !== undefined) object.addJsonPatch(JsonPatch.remove('/metadata/namespace'));
  }

  /** What is known when the policies are written: gateways may be declared after the guard. */
  private get facts(): GuardFacts {
    const at = changeCount(this);
    if (this.known?.at !== at) this.known = { at, facts: this.look() };
    return this.known.facts;
  }

  private look(): GuardFacts {
    const { platformNamespaces = [], sharedGateways = [], endpointCidrs = [], machineCidrs = [] } = this.props;
    const { proxyImages = [], proxyVariables = [] } = this.props;
    const gateways = this.node.root.node.findAll().filter(isGateway);
    const namespaces = [
      'kube-system',
      this.rootNamespace,
      ...platformNamespaces,
      ...gateways.map(({ installation }) => installation.namespace),
      ...gatewayNamespaces(this),
    ];
    return {
      platformNamespaces: [...new Set(namespaces)].sort(),
      gateways: gateways.map(podsOf),
      sharedGateways,
      endpointCidrs,
      machineCidrs,
      proxyImages,
      proxyVariables,
      clusterDomain: this.props.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN,
      tracingSwitches: this.tracingSwitches,
    };
  }

  private readLocks(locks: RegistryOnlyMesh[]): GuardedLocks | undefined {
    if (locks.length === 0) return undefined;
    const sidecars = locks.flatMap(({ apiObjects }) => apiObjects.map(({ metadata }) => metadata));
    const here = sidecars.filter(({ namespace }) => namespace !== this.rootNamespace);
    return {
      namespaces:
        here.length < sidecars.length ? undefined : [...new Set(here.map(({ namespace }) => namespace!))].sort(),
      sidecars: here.map(({ namespace, name }) => `${namespace}/${name}`).sort(),
    };
  }
}

/** Loaded late: most apps have no guard, and its recipe is a fifth of the code that an import would load. */
function recipe(): typeof import('../recipes/guard') {
  return require('../recipes/guard');
}

function isGateway(construct: IConstruct): construct is IEgressGateway {
  return isA('GatewayInstallation', (construct as Partial<IEgressGateway>).installation);
}

/**
 * Of the pods of this app's own gateways everything is known but what Kubernetes, Istio and other webhooks add, with a
 * prefix all but one. Of those that others install we know the labels that their installation names.
 */
function podsOf(gateway: IEgressGateway): GuardedPods {
  const { labels } = gateway.installation;
  if (isA('EgressGateway', gateway)) {
    const template = (gateway as EgressGateway).deployment.toJson().spec.template.metadata.labels;
    return { labels: { ...template, ...labels }, lacks: "!key.contains('/') && key != 'pod-template-hash'" };
  }
  const ours = Object.keys(labels).some((key) => key.startsWith(OWN_LABELS));
  return { labels, lacks: ours ? "key in ['app', 'istio']" : 'false' };
}

function assertImage(image: string): void {
  if (!/^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)+$/.test(image))
    throw new Error(
      `"${image}" is not an image with its registry and without a tag; write one such as "harbor.example.com/istio/proxyv2"`,
    );
}

function assertVariable(name: string): void {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name))
    throw new Error(`"${name}" is not the name of a variable; write one such as "ISTIO_META_TEAM"`);
}

function assertSharedGateway(gateway: string): void {
  const [namespace, name, ...rest] = gateway.split('/');
  if (name === undefined || rest.length > 0)
    throw new Error(`"${gateway}" is not <namespace>/<name> of a Gateway; write one such as "istio-ingress/public"`);
  assertDnsLabel(namespace, 'namespace');
  assertDnsLabel(name, 'name');
}
