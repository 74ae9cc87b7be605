import { Answer, FieldRef } from './answer';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';

const IN_NO_NAMESPACE = /^(Namespace|ClusterRole(Binding)?)$/;

/** Refers to an object and one of its fields. The origin is computed only when it is read. */
class ObjectFieldRef implements FieldRef {
  public readonly kind: string;
  public readonly namespace: string;
  public readonly name: string;
  readonly #object: Indexed;

  constructor(
    object: Indexed,
    public readonly field?: FieldPath,
  ) {
    this.kind = object.kind;
    this.namespace = IN_NO_NAMESPACE.test(object.kind) ? '' : object.namespace;
    this.name = object.name;
    this.#object = object;
  }

  public get origin(): string {
    return this.#object.origin;
  }

  public toJSON(): FieldRef {
    const { kind, namespace, name, field, origin } = this;
    return { kind, namespace, name, ...(field !== undefined && { field }), origin };
  }
}

export function fieldRef(object: Indexed, field?: FieldPath): FieldRef {
  return new ObjectFieldRef(object, field);
}

/** A setting of the mesh configuration, which is not an object. */
export function meshFieldRef(field: FieldPath): FieldRef {
  return { kind: 'MeshConfig', namespace: '', name: 'mesh', field };
}

/** All that decided an answer: its end first, then the steps to it. */
export function refsOf({ causes, steps }: Pick<Answer, 'causes' | 'steps'>): FieldRef[] {
  return [...causes, ...steps.flatMap(({ decidedBy }) => decidedBy)];
}

/** Each object and field once. */
export function uniqueRefs(refs: readonly FieldRef[]): readonly FieldRef[] {
  return refs.length < 2
    ? refs
    : refs.filter((one, index) => {
        for (let before = 0; before < index; before++) if (isSameRef(refs[before], one)) return false;
        return true;
      });
}

/** Whether both refer to the same field of the same object. */
export function isSameRef(a: FieldRef, b: FieldRef): boolean {
  return a.name === b.name && a.field === b.field && a.namespace === b.namespace && a.kind === b.kind;
}
