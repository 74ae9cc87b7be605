import { Via } from '../../access/access-table';
import { covers } from '../../istio/hosts';
import { EgressObject, Manifest } from '../../manifests/egress-object';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { ManifestIndex } from '../../manifests/manifest-index';
import { Answer, FieldRef, ModelCaller, ModelRequest, World } from '../../model';
import { namesOf } from '../lookups';

/** How the request must be answered. */
export interface Wanted {
  /** The egress path that it must take. @default - any */
  readonly via?: Via;
}

export interface Question {
  readonly index: ManifestIndex;
  readonly world: World;
  readonly caller: ModelCaller;
  readonly request: ModelRequest;
  readonly answer: Answer;
  readonly wanted: Wanted;
}

/** A change to one object. */
export interface Edit {
  readonly object: EgressObject;
  /** The field, where it is one. */
  readonly field?: FieldPath;
  readonly change: (copy: Manifest) => Manifest;
}

/** A change that might help. */
export interface Candidate {
  /** The object, the field and the value, as text. */
  readonly text: string;
  /** Grows with the fields and objects that change; new objects count for more. */
  readonly size: number;
  readonly edits: readonly Edit[];
  readonly added?: readonly Manifest[];
  /** What the change gives up. It is proposed only where nothing else helps, and with this text. */
  readonly weakens?: string;
}

/** The parts of the request. */
export interface Asked {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'http' | 'https' | 'tcp';
  readonly principal: string;
}

/** The size of a new object: larger than a few changed fields. */
export const NEW_OBJECT = 5;

/** The object to which an answer refers. */
export function find(index: ManifestIndex, { kind, namespace, name }: FieldRef): Indexed | undefined {
  return index.kinds
    .flatMap((bucket) => (bucket[0].kind === kind ? bucket : []))
    .find((one) => one.name === name && one.namespace === namespace);
}

/** Whether an object is for the host. */
export function appliesTo(object: Indexed, host: string): boolean {
  return namesOf(object).some((name) => typeof name === 'string' && covers(name, host));
}
