import { ApiObject, ApiObjectMetadata, ApiObjectProps, App, IResolver } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Agreement } from './_agreement';
import { AllowedEgressRegistry } from './_allowed-egress';
import { AppState, Emitted, IstioClass, patchesOf } from './_emitted';
import type { EgressObject, Finding } from '../rules';
import { GatewayInstallation } from '../values/gateway-installation';

/** Something that several constructs may declare together, such as the egress path of one host from one namespace. */
export interface Shared {
  /** What the declarations disagree about, and which construct reports it. */
  disagreements(): Disagreement[];
}

export interface Disagreement {
  readonly construct: IConstruct;
  readonly problem: string;
  /**
   * The constructs whose objects conflict because of this disagreement. Findings of the rules between only these
   * constructs are left out: they would repeat it.
   */
  readonly between?: readonly IConstruct[];
}

/** An object of the app as the rules see it. Its path is computed only when it is reported, since that takes time. */
class SerialisedObject implements EgressObject {
  constructor(
    private readonly object: ApiObject,
    public readonly manifest: EgressObject['manifest'],
  ) {}

  public get origin(): string {
    return this.object.node.path;
  }
}

/**
 * What the constructs of one app share: the objects they emitted, the egress paths they declared, and the findings of
 * the rules for the whole app. There is one for each app, and it is garbage-collected with the app.
 */
export class AppScope implements AppState {
  public static of(construct: IConstruct): AppScope {
    const root = construct.node.root;
    let scope = AppScope.scopes.get(root);
    if (!scope) {
      scope = new AppScope(root);
      AppScope.scopes.set(root, scope);
    }
    return scope;
  }

  private static readonly scopes = new WeakMap<IConstruct, AppScope>();

  /** What declared egress paths need from the network, for boundaries. */
  public readonly allowedEgress = new AllowedEgressRegistry();

  private readonly emitted = new Map<ApiObject, Emitted>();
  private readonly kubernetes = new Map<ApiObject, IConstruct>();
  private readonly knownGatewayNamespaces = new Set<string>();
  private readonly shared = new Map<string, Shared>();
  private readonly lockedGateways = new Set<string>();
  /** The namespace of the mesh's default Sidecar, if this app declares it. */
  private rootNamespace?: string;

  private changeCount = 0;
  /** The constructs that have reported in the current validation pass. */
  private reported = new Set<IConstruct>();
  /** What the rules were last run on. */
  private lastRun: { objects: ApiObject[]; patches: number; changes: number } = {
    objects: [],
    patches: 0,
    changes: -1,
  };
  private findings = new Map<IConstruct, string[]>();

  private constructor(private readonly root: IConstruct) {}

  /**
   * Emits an Istio object whose spec is made at synth, when every declaration is known. Code that changes the spec
   * later must call `touch`.
   *
   * @param owner the construct of this library that findings about this object are reported for
   */
  public emit<S>(
    owner: IConstruct,
    scope: IConstruct,
    id: string,
    type: IstioClass<S>,
    metadata: ApiObjectMetadata,
    spec: () => S,
  ): ApiObject {
    const emitted = new Emitted(owner, scope, id, type, metadata, spec, this);
    this.emitted.set(emitted.object, emitted);
    this.changeCount++;
    return emitted.object;
  }

  /**
   * Emits a Kubernetes object.
   *
   * @param owner the construct of this library that findings about this object are reported for
   */
  public emitKubernetes(owner: IConstruct, scope: IConstruct, id: string, props: ApiObjectProps): ApiObject {
    const object = new ApiObject(scope as Construct, id, props);
    this.kubernetes.set(object, owner);
    this.changeCount++;
    return object;
  }

  /** Declares the namespace of the mesh's default Sidecar. An app is for one mesh, so all declarations must agree. */
  public declareRootNamespace(construct: IConstruct, rootNamespace: string): void {
    this.rootNamespace ??= rootNamespace;
    const cure = 'An app is for one mesh: give the same values in both places, or write an App for each mesh.';
    this.share('mesh', () => new Agreement('mesh-conflict', 'the mesh', cure)).state(construct, { rootNamespace });
  }

  /** Declares how a gateway was installed. All descriptions of one gateway must agree. */
  public describeGateway(construct: IConstruct, { namespace, name, lockedDown, ...rest }: GatewayInstallation): void {
    if (lockedDown) this.lockGateway({ namespace, name });
    const place = `${namespace}/${name}`;
    const cure = 'Describe it once, as a constant, and use that constant everywhere.';
    this.knownGatewayNamespaces.add(namespace);
    this.share(`gateway ${place}`, () => new Agreement('gateway-conflict', `the gateway ${place}`, cure)).state(
      construct,
      rest,
    );
  }

  /** Declares that a gateway refuses every request that no policy allows. */
  public lockGateway({ namespace, name }: Pick<GatewayInstallation, 'namespace' | 'name'>): void {
    this.lockedGateways.add(`${namespace}/${name}`);
    this.changeCount++;
  }

  /** Whether this app declares that the gateway refuses every request that no policy allows. */
  public isGatewayLocked({ namespace, name }: GatewayInstallation): boolean {
    return this.lockedGateways.has(`${namespace}/${name}`);
  }

  /** The namespaces of all gateways that this app knows. */
  public gatewayNamespaces(): Iterable<string> {
    return this.knownGatewayNamespaces;
  }

  /** Returns what was declared under this identity before, or creates it. */
  public share<T extends Shared>(identity: string, make: () => T): T {
    let shared = this.shared.get(identity) as T | undefined;
    if (!shared) {
      shared = make();
      this.shared.set(identity, shared);
    }
    return shared;
  }

  /** A count that grows with every change. */
  public get changes(): number {
    return this.changeCount;
  }

  /** The resolvers that may replace values when manifests are written. */
  public get resolvers(): IResolver[] {
    return App.of(this.root).resolvers;
  }

  /** Records that something declared before has changed. */
  public touch(): void {
    this.changeCount++;
  }

  /**
   * Makes the construct report, at synth, conflicts of its declarations with others, and of its objects with any other
   * object of the app.
   */
  public validate(construct: IConstruct): void {
    construct.node.addValidation({ validate: () => this.problemsOf(construct) });
    this.changeCount++; // The construct may emit nothing and still conflict with an earlier declaration.
  }

  private problemsOf(construct: IConstruct): string[] {
    // cdk8s validates the whole app once, and again for each chart. Each construct is validated once in each pass, so a
    // construct that comes up a second time starts a new pass.
    if (this.reported.has(construct) || this.reported.size === 0) {
      this.reported = new Set();
      this.runRules();
    }
    this.reported.add(construct);
    return this.findings.get(construct) ?? [];
  }

  /** Runs the rules, unless nothing has changed since their last run. */
  private runRules(): void {
    const objects: ApiObject[] = [];
    let patches = 0;
    for (const construct of this.root.node.findAll()) {
      if (!ApiObject.isApiObject(construct)) continue;
      objects.push(construct);
      patches += patchesOf(construct)?.length ?? 0;
    }
    const last = this.lastRun;
    if (last.changes === this.changes && last.patches === patches && sameObjects(last.objects, objects)) return;
    this.lastRun = { objects, patches, changes: this.changes };
    this.findings = new Map();

    const checked = objects.map((object) => this.asEgressObject(object));
    const findings = rules().checkManifests(checked, { rootNamespace: this.rootNamespace });
    const disagreements = [...this.shared.values()].flatMap((shared) => shared.disagreements());
    const owners = findings.length > 0 ? this.ownersByPath() : undefined;
    for (const finding of findings) {
      const involved = new Set(finding.origins.map((origin) => owners?.get(origin)));
      // A finding that involves no object of this library is left to the linter.
      const owner = [...involved].find((found) => found !== undefined);
      const alreadyReported =
        involved.size > 1 &&
        disagreements.some(({ between }) => [...involved].every((one) => one !== undefined && between?.includes(one)));
      if (owner && !alreadyReported) this.report(owner, render(finding));
    }
    for (const { construct, problem } of disagreements) this.report(construct, problem);
  }

  private ownersByPath(): Map<string, IConstruct> {
    const owners = new Map<string, IConstruct>();
    for (const [object, { owner }] of this.emitted) owners.set(object.node.path, owner);
    for (const [object, owner] of this.kubernetes) owners.set(object.node.path, owner);
    return owners;
  }

  private report(construct: IConstruct, problem: string): void {
    this.findings.set(construct, [...(this.findings.get(construct) ?? []), problem]);
  }

  /**
   * An object as the rules see it. Objects that are not from this library, or that a patch or a resolver may change on
   * the way to the manifest, must be serialised first.
   */
  private asEgressObject(object: ApiObject): EgressObject {
    const ours = this.emitted.get(object);
    return ours?.isUntouched ? ours : new SerialisedObject(object, object.toJson());
  }
}

/**
 * Loaded late: the rules are a third of the library and are needed at synth only, not by every import of the library.
 */
function rules(): typeof import('../rules') {
  return require('../rules');
}

function render(finding: Finding): string {
  return `${finding.code}: ${finding.message} ${finding.cure}${finding.see ? ` See ${finding.see}` : ''}`;
}

function sameObjects(some: readonly ApiObject[], others: readonly ApiObject[]): boolean {
  return some.length === others.length && some.every((object, index) => object === others[index]);
}
