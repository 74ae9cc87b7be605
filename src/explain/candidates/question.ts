import { Via } from '../../access/access-table';
import { covers } from '../../istio/hosts';
import { FieldPath } from '../../manifests/field-path';
import { Answer, FieldRef, EgressObject, ModelCaller, ModelRequest, World } from '../../model';
import { namesOf, namespaceOf } from '../manifest';

/** How the request must be answered. */
export interface Wanted {
  /** The egress path that it must take. @default - any */
  readonly via?: Via;
}

export interface Question {
  readonly objects: readonly EgressObject[];
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
  readonly change: (manifest: any) => void;
}

/** A change that might help. */
export interface Candidate {
  /** The object, the field and the value, as text. */
  readonly text: string;
  /** Grows with the fields and objects that change; new objects count for more. */
  readonly size: number;
  readonly edits: readonly Edit[];
  readonly added?: readonly any[];
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

export const nameOf = ({ manifest }: EgressObject) =>
  `${manifest.kind} ${namespaceOf(manifest)}/${manifest.metadata.name}`;

export function ofKind({ objects }: Question, kind: string): EgressObject[] {
  return objects.filter(({ manifest }) => manifest?.kind === kind && /\.istio\.io\//.test(manifest.apiVersion));
}

export function find(
  { objects }: Pick<Question, 'objects'>,
  { kind, namespace, name }: FieldRef,
): EgressObject | undefined {
  return objects.find(
    ({ manifest }) =>
      manifest?.kind === kind && manifest.metadata?.name === name && namespaceOf(manifest) === namespace,
  );
}

/** Whether an object is for the host. */
export function appliesTo(manifest: any, host: string): boolean {
  return namesOf(manifest).some((name) => typeof name === 'string' && covers(name, host));
}
