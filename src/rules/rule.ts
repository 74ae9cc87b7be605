import { EgressObject } from '../manifests/egress-object';
import { ManifestIndex } from '../manifests/manifest-index';

/**
 * What a finding means for requests. `error`: requests fail, or something else happens to them than the object says.
 * `warning`: the same in a case that the manifests do not decide, such as the age of an object, or a protection that
 * is weaker than it looks. `info`: no request is affected.
 */
export type Severity = (typeof SEVERITIES)[number];

/** The worst first. */
export const SEVERITIES = ['error', 'warning', 'info'] as const;

/** A configuration that does not work, or not as it appears to. */
export interface Finding {
  /** The rule's code. */
  readonly code: string;
  /** What is wrong, with the values. */
  readonly message: string;
  /** What to do about it. */
  readonly cure: string;
  readonly severity: Severity;
  /** Every object involved. */
  readonly origins: string[];
  /** The field of the first object, such as `spec.ports[0]`. */
  readonly field: string;
  /** Where to read more. */
  readonly see?: string;
}

/** One violation of a rule; cure and severity are the rule's own unless given. */
export interface Violation {
  readonly message: string;
  readonly objects: readonly EgressObject[];
  /** The field of the first object where it is, such as `spec.ports[0]`. */
  readonly field: string;
  readonly severity?: Severity;
  readonly cure?: string;
}

/** A check of manifests by any author, and the text that explains it. */
export interface Rule {
  /** Stable, in kebab case; also the name of the file. */
  readonly code: string;
  readonly severity: Severity;
  /** One line: what it looks for. */
  readonly title: string;
  /** The behaviour of Istio that makes this fail. */
  readonly reason: string;
  /** What to write instead. */
  readonly cure: string;
  /** YAML without findings from any rule. */
  readonly good: string;
  /** YAML with findings from this rule only. */
  readonly bad: string;
  readonly see?: string;
  /** The order of the objects in a violation must not depend on the order of the manifests. */
  check(index: ManifestIndex): Iterable<Violation>;
}
