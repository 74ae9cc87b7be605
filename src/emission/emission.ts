import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Emitted } from './emitted';
import { Declared, Ownership } from './ownership';
import { perApp } from '../declarations/app';
import { groupVersionKind, Rank, RecipeObject, Side } from '../recipes/recipe';

/** Where the objects of one side go. */
export interface Place {
  readonly scope: Construct;
  /** The scope of what comes before the objects of all hosts; the same one unless given. */
  readonly first?: Construct;
}

export type Places = { readonly [side in Side]?: Place };

/** A place in which rules come first, whenever they are added. */
export function rulesFirst(scope: Construct): Place {
  return { scope, first: new Construct(scope, 'rules') };
}

/** Emits objects that need nothing but their construct. */
export function emit(construct: Construct, objects: RecipeObject[], scope: Construct = construct): ApiObject[] {
  return new Emission(construct, { gateway: { scope }, caller: { scope } }, () => objects).update().objects();
}

const emissions = new WeakMap<object, Emission>();
/** What the shared objects of an app are made from. */
const sharedObjects = perApp(() => new Map<string, Set<Declared>>());

/** The objects of one declaration. They are added in the order of their ranks, as soon as the recipe holds them. */
export class Emission {
  /** The emission of a declaration that several constructs may share. The first one makes it. */
  public static of(declaration: object, make: () => Emission): Emission {
    const emission = emissions.get(declaration) ?? make();
    emissions.set(declaration, emission);
    return emission;
  }

  private readonly emitted: Emitted[] = [];
  private readonly byId: { readonly [side in Side]: Map<string, Emitted> } = { gateway: new Map(), caller: new Map() };
  private readonly ownership: Ownership;

  /**
   * @param owner the construct of this library that findings about the objects are reported for
   * @param recipe returns the objects of everything that has been declared so far
   * @param declared what the objects are made from, if several constructs may declare it
   */
  constructor(
    private readonly owner: IConstruct,
    private readonly places: Places,
    private readonly recipe: () => RecipeObject[],
    private readonly declared?: Declared,
  ) {
    this.ownership = new Ownership(owner, declared ? [declared] : []);
  }

  /** Adds what is missing. Call it whenever more was declared. */
  public update(): this {
    const missing: RecipeObject[] = [];
    for (const planned of this.recipe()) {
      const known = this.byId[planned.side].get(planned.id);
      if (known) known.plan(planned);
      else missing.push(planned);
    }
    const first = this.emitted.length === 0;
    for (const planned of missing.sort(byRank)) this.addUnlessShared(planned);
    if (!first) this.keepOrder();
    return this;
  }

  /** Adds an object that the recipe holds now, if it is missing, where nothing else has changed but specs. */
  public add(planned: RecipeObject): ApiObject {
    const own = this.byId[planned.side];
    if (!own.has(planned.id)) {
      this.addUnlessShared(planned);
      this.keepOrder();
    }
    return own.get(planned.id)!.object;
  }

  /** All objects so far, in the order in which they can be applied. */
  public objects(...sides: Side[]): ApiObject[] {
    return this.inOrder()
      .filter(({ side }) => sides.length === 0 || sides.includes(side))
      .map(({ object }) => object);
  }

  /** The objects with these ids. */
  public objectsOf(side: Side, ids: string[]): ApiObject[] {
    return [...new Set(ids)].flatMap((id) => this.byId[side].get(id)?.object ?? []);
  }

  /** Adds an object, or what it is made from to an object that another declaration of the app has emitted. */
  private addUnlessShared(planned: RecipeObject): void {
    let { ownership } = this;
    if (planned.shared) {
      const { kind, metadata } = planned;
      const identity = `${groupVersionKind(kind).kind} ${metadata.namespace}/${metadata.name}`;
      const shared = sharedObjects(this.owner);
      const known = shared.get(identity);
      if (known) {
        if (this.declared) known.add(this.declared);
        return;
      }
      const declared = new Set(this.declared && [this.declared]);
      shared.set(identity, declared);
      ownership = new Ownership(this.owner, declared);
    }
    const { scope, first = scope } = this.places[planned.side]!;
    const to = planned.rank === Rank.FIRST ? first : scope;
    const emitted = new Emitted(ownership, to, planned, this.emitted.length);
    this.emitted.push(emitted);
    this.byId[planned.side].set(planned.id, emitted);
  }

  private inOrder(): Emitted[] {
    return [...this.emitted].sort(byRank);
  }

  /** An object whose rank has grown waits for those that it now comes after. */
  private keepOrder(): void {
    const last = new Map<IConstruct, Emitted>();
    for (const emitted of this.inOrder()) {
      const { object, order } = emitted;
      const scope = object.node.scope!;
      const before = last.get(scope);
      if (before && before.order > order) object.addDependency(before.object);
      last.set(scope, emitted);
    }
  }
}

function byRank(a: Pick<RecipeObject, 'rank'>, b: Pick<RecipeObject, 'rank'>): number {
  return a.rank - b.rank;
}
