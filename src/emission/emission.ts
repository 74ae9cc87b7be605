import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Emitted } from './emitted';
import { Declared } from './ownership';
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

interface Placed {
  readonly emitted: Emitted;
  /** The count of objects that were emitted before. */
  readonly order: number;
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

  private readonly placed = new Map<string, Placed>();

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
  ) {}

  /** Adds what is missing. Call it whenever more was declared. */
  public update(): this {
    for (const planned of this.recipe().sort((a, b) => a.rank - b.rank)) {
      const key = keyOf(planned.side, planned.id);
      const known = this.placed.get(key);
      if (known) known.emitted.planned = planned;
      else this.addUnlessShared(key, planned);
    }
    this.keepOrder();
    return this;
  }

  /** All objects so far, in the order in which they can be applied. */
  public objects(...sides: Side[]): ApiObject[] {
    return this.inOrder()
      .map(({ emitted }) => emitted)
      .filter(({ planned }) => sides.length === 0 || sides.includes(planned.side))
      .map(({ object }) => object);
  }

  /** The objects with these ids. */
  public objectsOf(side: Side, ids: string[]): ApiObject[] {
    return [...new Set(ids)].flatMap((id) => this.placed.get(keyOf(side, id))?.emitted.object ?? []);
  }

  /** Adds an object, or what it is made from to an object that another declaration of the app has emitted. */
  private addUnlessShared(key: string, planned: RecipeObject): void {
    let declared: Iterable<Declared> = this.declared ? [this.declared] : [];
    if (planned.shared) {
      const { kind, metadata } = planned;
      const identity = `${groupVersionKind(kind).kind} ${metadata.namespace}/${metadata.name}`;
      const shared = sharedObjects(this.owner);
      const known = shared.get(identity);
      if (known) {
        for (const one of declared) known.add(one);
        return;
      }
      const growing = new Set(declared);
      shared.set(identity, growing);
      declared = growing;
    }
    const { scope, first = scope } = this.places[planned.side]!;
    const emitted = new Emitted(this.owner, planned.rank === Rank.FIRST ? first : scope, planned, declared);
    this.placed.set(key, { emitted, order: this.placed.size });
  }

  private inOrder(): Placed[] {
    return [...this.placed.values()].sort((a, b) => a.emitted.planned.rank - b.emitted.planned.rank);
  }

  /** An object whose rank has grown waits for those that it now comes after. */
  private keepOrder(): void {
    const last = new Map<IConstruct, Placed>();
    for (const placed of this.inOrder()) {
      const { object } = placed.emitted;
      const before = last.get(object.node.scope!);
      if (before && before.order > placed.order) object.addDependency(before.emitted.object);
      last.set(object.node.scope!, placed);
    }
  }
}

function keyOf(side: Side, id: string): string {
  return `${side} ${id}`;
}
