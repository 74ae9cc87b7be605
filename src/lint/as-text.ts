import { LintFinding } from './finding';
import { printable } from '../cli/printable';
import { Report, summaryOf, unreadLines } from './report';
import { joinWords } from '../manifests/indexed';
import { groupBy } from '../values/grouping';

/** For people. */
export function asText(report: Report): string {
  const { findings, acknowledged, unused, notes } = report;
  const codes = [...new Set(findings.map(({ code }) => code))];
  const repeated = new Map(repetitions(findings).flatMap((all) => all.map((one) => [one, all] as const)));
  const blocks = [
    ...findings.flatMap((one) => {
      const rest = repeated.get(one);
      if (rest === undefined) return [[head(one), `  ${printable(one.message)}`, `  ${printable(one.cure)}`]];
      return one === rest[0] ? [[shortened(rest)]] : [];
    }),
    ...acknowledged.map((one) => [
      `${head(one)}, acknowledged`,
      `  ${printable(one.message)}`,
      `  ${printable(`Accepted in ${one.acknowledgedIn}: ${one.acknowledgement}`)}`,
    ]),
  ].map((lines) => `${lines.join('\n')}\n\n`);
  const told = [...unused, ...unreadLines(report), ...notes.map((note) => `note: ${note}`)];
  return (
    blocks.join('') +
    told.map((line) => `${printable(line)}\n`).join('') +
    `${summaryOf(report)}\n` +
    (codes.length === 0 ? '' : `Why, with a good and a bad example: npx cdk8s-istio-egress rules ${codes[0]}\n`)
  );
}

/** How many of findings that are alike are shown in full, unless they are errors. */
const SHOWN = 2;

/** Of findings that may have one cause, those beyond the first: of one rule, in one file, with objects of the same files. */
function repetitions(findings: readonly LintFinding[]): (readonly LintFinding[])[] {
  const alike = groupBy(
    findings.filter(({ severity }) => severity !== 'error'),
    ({ code, file, others }) =>
      [code, file, ...new Set(others.map(({ origin }) => origin.replace(/:\d+$/, '')))].join('\n'),
  );
  return [...alike.keys()].map((key) => alike.get(key).slice(SHOWN)).filter(({ length }) => length > 1);
}

function shortened(rest: readonly LintFinding[]): string {
  const [{ file, code }] = rest;
  const lines = joinWords(rest.map(({ line }) => String(line)));
  return printable(`${file}: ${rest.length} more of ${code}, on lines ${lines}; --output json shows all`);
}

function head({ object, file, line, severity, code, field }: LintFinding): string {
  return `${printable(file === undefined ? object.origin : `${file}:${line}`)}: ${severity} ${code} (${printable(field)})`;
}
