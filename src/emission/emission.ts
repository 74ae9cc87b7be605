import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { addObject } from './emitted';
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

interface Emitted {
  readonly object: ApiObject;
  readonly scope: Construct;
  /** The count of objects that were emitted before. */
  readonly order: number;
  planned: RecipeObject;
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

  private readonly emitted = new Map<string, Emitted>();

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
    const seen = new Set<string>();
    for (const planned of this.recipe().sort((a, b) => a.rank - b.rank)) {
      const key = keyOf(planned.side, planned.id);
      if (seen.has(key)) continue;
      seen.add(key);
      const known = this.emitted.get(key);
      if (known) known.planned = planned;
      else this.addUnlessShared(key, planned);
    }
    this.keepOrder();
    return this;
  }

  /** All objects so far, in the order in which they can be applied. */
  public objects(...sides: Side[]): ApiObject[] {
    return this.inOrder()
      .filter(({ planned }) => sides.length === 0 || sides.includes(planned.side))
      .map(({ object }) => object);
  }

  /** The objects with these ids. */
  public objectsOf(side: Side, ids: string[]): ApiObject[] {
    return [...new Set(ids)].flatMap((id) => this.emitted.get(keyOf(side, id))?.object ?? []);
  }

  /** Adds an object, or what it is made from to an object that another declaration of the app has emitted. */
  private addUnlessShared(key: string, planned: RecipeObject): void {
    const declared = new Set(this.declared && [this.declared]);
    if (planned.shared) {
      const { kind, metadata } = planned;
      const identity = `${groupVersionKind(kind).kind} ${metadata.namespace}/${metadata.name}`;
      const shared = sharedObjects(this.owner);
      const known = shared.get(identity);
      if (known) return declared.forEach((one) => known.add(one));
      shared.set(identity, declared);
    }
    const { scope, first = scope } = this.places[planned.side]!;
    const place = planned.rank === Rank.FIRST ? first : scope;
    const latest = () => this.emitted.get(key)?.planned ?? planned;
    const object = addObject(this.owner, place, planned, latest, declared);
    this.emitted.set(key, { object, scope: place, order: this.emitted.size, planned });
  }

  private inOrder(): Emitted[] {
    return [...this.emitted.values()].sort((a, b) => a.planned.rank - b.planned.rank || a.order - b.order);
  }

  /** An object whose rank has grown waits for those that it now comes after. */
  private keepOrder(): void {
    const last = new Map<Construct, Emitted>();
    for (const emitted of this.inOrder()) {
      const before = last.get(emitted.scope);
      if (before && before.order > emitted.order) emitted.object.addDependency(before.object);
      last.set(emitted.scope, emitted);
    }
  }
}

function keyOf(side: Side, id: string): string {
  return `${side} ${id}`;
}
