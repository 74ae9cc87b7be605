import { Decider } from './answer';
import { Indexed } from '../manifests/indexed';

/** Names an object, and the field of it that decided something. Its origin is asked for only when somebody reads it. */
class ObjectDecider implements Decider {

  public readonly kind: string;
  public readonly namespace: string;
  public readonly name: string;
  readonly #object: Indexed;

  constructor(object: Indexed, public readonly field?: string) {
    this.kind = object.kind;
    this.namespace = object.namespace;
    this.name = object.name;
    this.#object = object;
  }

  public get origin(): string {
    return this.#object.origin;
  }

  public toJSON(): Decider {
    const { kind, namespace, name, field, origin } = this;
    return { kind, namespace, name, ...(field !== undefined && { field }), origin };
  }
}

export function by(object: Indexed, field?: string): Decider {
  return new ObjectDecider(object, field);
}

/** What no object decides but the mesh's own settings do. */
export function byMesh(field: string): Decider {
  return { kind: 'MeshConfig', namespace: '', name: 'mesh', field };
}

/** Each object and field once. */
export function unique(deciders: readonly Decider[]): readonly Decider[] {
  return deciders.length < 2 ? deciders : deciders.filter((one, index) => {
    for (let before = 0; before < index; before++) if (isSame(deciders[before], one)) return false;
    return true;
  });
}

function isSame(a: Decider, b: Decider): boolean {
  return a.name === b.name && a.field === b.field && a.namespace === b.namespace && a.kind === b.kind;
}
