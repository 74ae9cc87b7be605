import { createHash } from 'crypto';
import { EgressObject } from '../manifests/egress-object';
import { Severity } from '../rules';

/** An object as people name it. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Where it comes from: `file:line`, or `object 3`. */
  readonly origin: string;
}

/** Something that is wrong with manifests. */
export interface LintFinding {
  /** The rule's code. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, with the values. */
  readonly message: string;
  /** How Istio behaves, so that this is wrong. */
  readonly reason: string;
  /** What to write instead. */
  readonly cure: string;
  readonly see?: string;
  /** The object to change first. */
  readonly object: ObjectName;
  /** Its field, such as `spec.ports[0].protocol`. */
  readonly field: string;
  /** The other objects involved. */
  readonly others: readonly ObjectName[];
  /** The file and line of the field, for objects from files. */
  readonly file?: string;
  readonly line?: number;
}

/** A finding that somebody has accepted. */
export interface AcknowledgedFinding extends LintFinding {
  /** Why it is accepted. */
  readonly acknowledgement: string;
  /** Where that is written: an object with the annotation, or a baseline file. */
  readonly acknowledgedIn: string;
  readonly isInSource: boolean;
}

export function nameIn({ manifest: { kind, metadata }, origin }: EgressObject): ObjectName {
  return { kind, namespace: metadata.namespace ?? 'default', name: metadata.name, origin };
}

/** The message without the places of objects, which change with every line that is added above them. */
export function messageWithoutPlaces({ message, object, others }: LintFinding): string {
  return [object, ...others].reduce((text, { origin }) => text.replaceAll(` [${origin}]`, ''), message);
}

/** What stays the same when lines are added above the objects. */
export function fingerprintOf(finding: LintFinding): string {
  return createHash('sha256')
    .update(`${finding.code} ${messageWithoutPlaces(finding)}`)
    .digest('hex');
}
