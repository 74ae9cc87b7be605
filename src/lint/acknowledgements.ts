import { LintFinding, AcknowledgedFinding, messageWithoutPlaces, nameIn } from './finding';
import { printableJson } from '../cli/printable';
import { ACKNOWLEDGE } from '../manifests/annotations';
import { EgressObject } from '../manifests/egress-object';
import { groupBy } from '../values/grouping';
import { nameOf } from '../manifests/indexed';

/** A finding that a baseline file accepts. */
export interface BaselineEntry {
  readonly code: string;
  /** The finding's message, without the places of the objects. */
  readonly finding: string;
  readonly reason: string;
}

export interface Baseline {
  readonly file: string;
  readonly entries: readonly BaselineEntry[];
}

interface Acknowledgement {
  readonly code: string;
  readonly reason: string;
  readonly where: string;
  readonly isInSource: boolean;
  /** What to say if there is no such finding. */
  readonly unused: string;
  readonly covers: (finding: LintFinding) => boolean;
}

/** Separates the findings that somebody has accepted, and tells which acknowledgements accept nothing. */
export function acknowledge(
  findings: readonly LintFinding[],
  objects: readonly EgressObject[],
  codes: ReadonlySet<string>,
  baseline?: Baseline,
): { readonly findings: LintFinding[]; readonly acknowledged: AcknowledgedFinding[]; readonly unused: string[] } {
  const { given, wrong } = annotations(objects, codes);
  const byCode = groupBy([...given, ...entriesOf(baseline, codes, wrong)], ({ code }) => code);
  const used = new Set<Acknowledgement>();
  const open: LintFinding[] = [];
  const acknowledged: AcknowledgedFinding[] = [];
  for (const finding of findings) {
    const covering = byCode.get(finding.code).filter(({ covers }) => covers(finding));
    for (const one of covering) used.add(one);
    if (covering.length === 0) open.push(finding);
    else
      acknowledged.push({
        ...finding,
        acknowledgement: covering[0].reason,
        acknowledgedIn: covering[0].where,
        isInSource: covering[0].isInSource,
      });
  }
  const unused = [...byCode.keys()].flatMap((code) => byCode.get(code)).filter((one) => !used.has(one));
  return { findings: open, acknowledged, unused: [...wrong, ...unused.map((one) => one.unused)] };
}

function annotations(
  objects: readonly EgressObject[],
  codes: ReadonlySet<string>,
): { readonly given: Acknowledgement[]; readonly wrong: string[] } {
  const given: Acknowledgement[] = [];
  const wrong: string[] = [];
  for (const { manifest, origin } of objects) {
    const { annotations: all } = manifest.metadata ?? {};
    if (typeof all !== 'object' || all === null) continue;
    for (const [key, reason] of Object.entries(all)) {
      if (!key.startsWith(ACKNOWLEDGE)) continue;
      const code = key.slice(ACKNOWLEDGE.length);
      const where = `annotation ${key} of ${nameOf(nameIn({ manifest, origin }))} [${origin}]`;
      const problem = problemOf(code, reason, codes);
      if (problem !== undefined) {
        wrong.push(`${where} ${problem}`);
        continue;
      }
      given.push({
        code,
        reason: String(reason),
        where,
        isInSource: true,
        unused: `${where} acknowledges nothing: there is no such finding; remove it`,
        covers: (finding) => [finding.object, ...finding.others].some((one) => one.origin === origin),
      });
    }
  }
  return { given, wrong };
}

function entriesOf(
  baseline: Baseline | undefined,
  codes: ReadonlySet<string>,
  wrong: string[],
): readonly Acknowledgement[] {
  return (baseline?.entries ?? []).flatMap(({ code, finding: expected, reason }, index) => {
    const where = `${baseline!.file}, entry ${index + 1}`;
    const problem = problemOf(code, reason, codes);
    if (problem !== undefined) {
      wrong.push(`${where} ${problem}`);
      return [];
    }
    return {
      code,
      reason,
      where,
      isInSource: false,
      unused: `${where} (${code}: ${expected}) acknowledges nothing: there is no such finding; remove it`,
      covers: (finding: LintFinding) => messageWithoutPlaces(finding) === expected,
    };
  });
}

function problemOf(code: string, reason: unknown, codes: ReadonlySet<string>): string | undefined {
  if (!codes.has(code)) return `acknowledges nothing: there is no rule "${code}"`;
  if (typeof reason !== 'string' || reason.trim() === '') return 'acknowledges nothing: it gives no reason';
  return undefined;
}

/** A baseline that accepts findings, as YAML needs no quoting but JSON's. */
export function baselineOf(findings: readonly LintFinding[], reason: string): string {
  const entries = findings.map(
    (finding) =>
      `  - code: ${finding.code}\n    finding: ${printableJson(messageWithoutPlaces(finding))}\n` +
      `    reason: ${printableJson(reason)}\n`,
  );
  return entries.length === 0 ? 'acknowledged: []\n' : `acknowledged:\n${entries.join('')}`;
}
