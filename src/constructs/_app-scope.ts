import { ApiObject, ApiObjectMetadata, ApiObjectProps, App, IResolver } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Agreement } from './_agreement';
import { Emitted, IstioClass, patchesOf, Surroundings } from './_emitted';
import { AllowedEgressOfApp } from './_allowed-egress';
import type { EgressObject, Finding } from '../rules';
import { GatewayInstallation } from '../values/gateway-installation';

/** Something that several constructs may declare together, such as the way of one host out of one namespace. */
export interface Shared {
  /** What the declarations disagree about, and who reports it. */
  disagreements(): Disagreement[];
}

export interface Disagreement {
  readonly construct: IConstruct;
  readonly problem: string;
  /**
   * The constructs whose objects cannot stand side by side because of it: what the rules find between them is no news.
   */
  readonly between?: readonly IConstruct[];
}

/** An object of the app as the rules see it. Its path costs time, and only what is reported needs one. */
class Placed implements EgressObject {
  constructor(
    private readonly object: ApiObject,
    public readonly manifest: EgressObject['manifest'],
  ) {}

  public get origin(): string {
    return this.object.node.path;
  }
}

/**
 * What the constructs of one app know together: the objects they emitted, the ways they share, and the findings of the
 * rules over the whole app. There is one for each app; nothing is kept when the app is gone.
 */
export class AppScope implements Surroundings {
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

  /** What declared ways need of the network, for boundaries. */
  public readonly allowedEgress = new AllowedEgressOfApp();

  private readonly emitted = new Map<ApiObject, Emitted>();
  private readonly kubernetes = new Map<ApiObject, IConstruct>();
  private readonly gateways = new Set<string>();
  private readonly shared = new Map<string, Shared>();
  private readonly locked = new Set<string>();
  /** Where the mesh's default Sidecar lives, as far as this app says. */
  private rootNamespace?: string;

  private count = 0;
  private asked = new Set<IConstruct>();
  private looked: { objects: ApiObject[]; patches: number; changes: number } = { objects: [], patches: 0, changes: -1 };
  private findings = new Map<IConstruct, string[]>();

  private constructor(private readonly root: IConstruct) {}

  /**
   * Emits an Istio object whose spec is made at synth, when every declaration is known. Whatever changes it later says
   * so by `touch`.
   *
   * @param owner the construct of ours that a finding about this object is reported for
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
    this.count++;
    return emitted.object;
  }

  /**
   * Emits an object of Kubernetes itself.
   *
   * @param owner the construct of ours that a finding about this object is reported for
   */
  public emitKubernetes(owner: IConstruct, scope: IConstruct, id: string, props: ApiObjectProps): ApiObject {
    const object = new ApiObject(scope as Construct, id, props);
    this.kubernetes.set(object, owner);
    this.count++;
    return object;
  }

  /** Says where the mesh's default Sidecar lives. An app is for one mesh, so all who say it must say the same. */
  public declareRootNamespace(construct: IConstruct, rootNamespace: string): void {
    this.rootNamespace ??= rootNamespace;
    const cure = 'An app is for one mesh: say the same in both places, or write an App for each mesh.';
    this.share('mesh', () => new Agreement('mesh-conflict', 'the mesh', cure)).state(construct, { rootNamespace });
  }

  /** Says how a gateway was installed. All who use it must say the same. */
  public describeGateway(construct: IConstruct, { namespace, name, lockedDown, ...rest }: GatewayInstallation): void {
    if (lockedDown) this.lockGateway({ namespace, name });
    const place = `${namespace}/${name}`;
    const cure = 'Describe it once, as a constant, and use that everywhere.';
    this.gateways.add(namespace);
    this.share(`gateway ${place}`, () => new Agreement('gateway-conflict', `the gateway ${place}`, cure)).state(
      construct,
      rest,
    );
  }

  /** Says that a gateway refuses what is not granted. */
  public lockGateway({ namespace, name }: Pick<GatewayInstallation, 'namespace' | 'name'>): void {
    this.locked.add(`${namespace}/${name}`);
    this.count++;
  }

  /** Whether anything in this app says that the gateway refuses what is not granted. */
  public isGatewayLocked({ namespace, name }: GatewayInstallation): boolean {
    return this.locked.has(`${namespace}/${name}`);
  }

  /** The namespaces of all gateways that this app knows. */
  public gatewayNamespaces(): Iterable<string> {
    return this.gateways;
  }

  /** Finds what was declared under this identity before, or makes it. */
  public share<T extends Shared>(identity: string, make: () => T): T {
    let shared = this.shared.get(identity) as T | undefined;
    if (!shared) {
      shared = make();
      this.shared.set(identity, shared);
    }
    return shared;
  }

  /** How many changes this app has seen. */
  public get changes(): number {
    return this.count;
  }

  /** Who may replace values on their way into a manifest. */
  public get resolvers(): IResolver[] {
    return App.of(this.root).resolvers;
  }

  /** Says that something declared before has changed. */
  public touch(): void {
    this.count++;
  }

  /**
   * Has the construct report, at synth, what is wrong between its declarations and others, and between its objects and
   * any other object of the app.
   */
  public validate(construct: IConstruct): void {
    construct.node.addValidation({ validate: () => this.problemsOf(construct) });
    this.count++; // It may declare something that others have declared otherwise, and emit nothing.
  }

  private problemsOf(construct: IConstruct): string[] {
    // cdk8s validates the whole app once, and once more for each chart; each construct is asked once in each pass.
    if (this.asked.has(construct) || this.asked.size === 0) {
      this.asked = new Set();
      this.look();
    }
    this.asked.add(construct);
    return this.findings.get(construct) ?? [];
  }

  /** Runs the rules, unless nothing changed since they ran last. */
  private look(): void {
    const objects: ApiObject[] = [];
    let patches = 0;
    for (const construct of this.root.node.findAll()) {
      if (!ApiObject.isApiObject(construct)) continue;
      objects.push(construct);
      patches += patchesOf(construct)?.length ?? 0;
    }
    const last = this.looked;
    if (last.changes === this.changes && last.patches === patches && same(last.objects, objects)) return;
    this.looked = { objects, patches, changes: this.changes };
    this.findings = new Map();

    const placed = objects.map((object) => this.place(object));
    const findings = rules().checkManifests(placed, { rootNamespace: this.rootNamespace });
    const disagreements = [...this.shared.values()].flatMap((shared) => shared.disagreements());
    const owners = findings.length > 0 ? this.ownersByPath() : undefined;
    for (const finding of findings) {
      const involved = new Set(finding.origins.map((origin) => owners?.get(origin)));
      // What stands between two objects that are not ours is for a linter to say; it was there before us.
      const owner = [...involved].find((found) => found !== undefined);
      const told =
        involved.size > 1 &&
        disagreements.some(({ between }) => [...involved].every((one) => one !== undefined && between?.includes(one)));
      if (owner && !told) this.report(owner, render(finding));
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
   * An object as the rules see it. What somebody may change on the way to the manifest, and what is not ours, has to be
   * serialised for them.
   */
  private place(object: ApiObject): EgressObject {
    const ours = this.emitted.get(object);
    return ours?.isUntouched ? ours : new Placed(object, object.toJson());
  }
}

/** The rules are a third of the library and needed at synth only: who merely imports it does not wait for them. */
function rules(): typeof import('../rules') {
  return require('../rules');
}

function render(finding: Finding): string {
  return `${finding.code}: ${finding.message} ${finding.cure}${finding.see ? ` See ${finding.see}` : ''}`;
}

function same(some: readonly ApiObject[], others: readonly ApiObject[]): boolean {
  return some.length === others.length && some.every((object, index) => object === others[index]);
}
