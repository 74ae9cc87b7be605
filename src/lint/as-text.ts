import { LintFinding } from './finding';
import { printable } from './printable';
import { Report, summaryOf, unreadLines } from './report';

/** For people. */
export function asText(report: Report): string {
  const { findings, acknowledged, unused, notes } = report;
  const codes = [...new Set(findings.map(({ code }) => code))];
  const blocks = [
    ...findings.map((one) => [head(one), `  ${printable(one.message)}`, `  ${printable(one.cure)}`]),
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
    (codes.length === 0 ? '' : `Why, with a good and a bad example: cdk8s-istio-egress rules ${codes[0]}\n`)
  );
}

function head({ object, file, line, severity, code, field }: LintFinding): string {
  return `${printable(file === undefined ? object.origin : `${file}:${line}`)}: ${severity} ${code} (${printable(field)})`;
}
