import { acknowledge, Baseline } from './acknowledgements';
import { AcknowledgedFinding, LintFinding, messageWithoutPlaces, nameIn } from './finding';
import { rejectedObject, rejection } from './rejected-object';
import { EgressObject } from '../manifests/egress-object';
import { separateMalformed } from '../model/objects/well-formed';
import { objectsFrom } from '../reading/objects';
import { duplicateObject } from '../rules/duplicate-object';
import { IndexOptions, Rule, RULES, SEVERITIES, Severity, Violation, violations } from '../rules';

/** Everything that can be found. */
export const LINT_RULES: readonly Omit<Rule, 'check'>[] = [...RULES, rejectedObject].sort((a, b) =>
  a.code < b.code ? -1 : 1,
);
const CODES: ReadonlySet<string> = new Set(LINT_RULES.map(({ code }) => code));

/** What the manifests do not say. */
export interface LintOptions extends IndexOptions {
  /** Findings that are accepted, beside those that annotations accept. */
  readonly baseline?: Baseline;
}

export interface LintResult {
  /** What is wrong. */
  readonly findings: readonly LintFinding[];
  /** What is wrong and was accepted, with the reason. */
  readonly acknowledged: readonly AcknowledgedFinding[];
  /** Acknowledgements without a finding, as sentences. */
  readonly unused: readonly string[];
}

/**
 * Finds what is wrong with manifests by any author.
 *
 * @param manifests objects as `Testing.synth(chart)` returns them or a YAML parser does; `List`s are read as well
 */
export function lint(manifests: readonly unknown[], options: LintOptions = {}): LintResult {
  return lintWorlds([objectsFrom(manifests).filter(isObject)], options).result;
}

/**
 * The same for several sets of objects, each of which is applied by itself, though they may share objects. `variants`
 * are definitions of an object that are in different sets.
 *
 * @returns also the findings that an object has in some of its sets only
 */
export function lintWorlds(
  worlds: readonly (readonly EgressObject[])[],
  options: LintOptions = {},
  variants: readonly EgressObject[] = [],
): { readonly result: LintResult; readonly unsteady: ReadonlySet<LintFinding> } {
  const judged = worlds.map((objects) => {
    const { objects: wellFormed, malformed } = separateMalformed(objects);
    return [
      ...malformed.map((one) => findingOf(rejectedObject, rejection(one))),
      ...violations(wellFormed, options).map(({ rule, violation }) => findingOf(rule, violation)),
    ];
  });
  if (variants.length === 0)
    return { result: acknowledge(judged.flat(), worlds.flat(), CODES, options.baseline), unsteady: new Set() };
  const twice = violations(variants, options, [duplicateObject]).map(({ rule, violation }) =>
    findingOf(rule, violation),
  );
  const found = once([...judged.flat(), ...twice], (one) => one.message);
  const result = acknowledge(found, [...new Set(worlds.flat())], CODES, options.baseline);
  // What an object has with each of several variants of another is said of the first.
  const findings = once(result.findings, messageWithoutPlaces);
  const sets = worlds.map((objects, at) => ({
    objects: new Set(objects.map(({ origin }) => origin)),
    findings: new Set(judged[at].map(placeOf)),
  }));
  const unsteady = findings.filter(
    (one) =>
      one.code !== duplicateObject.code &&
      sets.some((set) => set.objects.has(one.object.origin) && !set.findings.has(placeOf(one))),
  );
  return { result: { ...result, findings }, unsteady: new Set(unsteady) };
}

function placeOf({ code, object, field }: LintFinding): string {
  return `${code} ${object.origin} ${field}`;
}

/** Sets that share objects share findings. */
function once(findings: readonly LintFinding[], textOf: (finding: LintFinding) => string): LintFinding[] {
  const keyOf = (one: LintFinding) => `${placeOf(one)} ${textOf(one)}`;
  return [...new Map([...findings].reverse().map((one) => [keyOf(one), one])).values()].reverse();
}

/** Whether a finding is at least as bad. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least);
}

function isObject({ manifest }: EgressObject): boolean {
  return typeof manifest?.kind === 'string' && typeof manifest.metadata?.name === 'string';
}

function findingOf(rule: Omit<Rule, 'check'>, violation: Violation): LintFinding {
  const { message, objects, field, severity = rule.severity, cure = rule.cure } = violation;
  const [object, ...others] = [...new Map(objects.map((one) => [one.origin, nameIn(one)])).values()];
  return { code: rule.code, severity, message, reason: rule.reason, cure, see: rule.see, object, field, others };
}
