import { createHash } from 'crypto';
import { fingerprintOf, LintFinding } from './finding';
import { printableJson } from '../cli/printable';
import { Report } from './report';

const SEVERITIES = { error: 'critical', warning: 'major', info: 'minor' } as const;

/**
 * A Code Quality report of GitLab. What has no place in it, such as notes, is only in the text.
 *
 * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export function asGitLab(report: Report): string {
  // GitLab shows one of several entries with the same fingerprint.
  const known = new Map<string, number>();
  const entry = (check: string, severity: string, text: string, print: string, { file, line }: Placed) => {
    const key = `${file} ${print}`;
    const count = known.get(key) ?? 0;
    known.set(key, count + 1);
    return {
      description: text,
      check_name: check,
      fingerprint: createHash('sha256').update(`${key} ${count}`).digest('hex'),
      severity,
      location: { path: file, lines: { begin: line ?? 1 } },
    };
  };
  const ofFinding = (one: LintFinding, severity: string, more: string) =>
    entry(one.code, severity, `${one.message} ${more}`, fingerprintOf(one), one);
  const entries = [
    ...report.findings.map((one) => ofFinding(one, SEVERITIES[one.severity], one.cure)),
    ...report.acknowledged.map((one) =>
      ofFinding(one, 'info', `Accepted in ${one.acknowledgedIn}: ${one.acknowledgement}`),
    ),
    ...report.unread
      .filter(({ file }) => file !== undefined)
      .map((one) => {
        const [check, severity] = one.isBroken ? ['not-read', 'critical'] : ['not-judged', 'info'];
        return entry(check, severity, one.text, one.text.replace(/ at line \d+.*/, ''), one);
      }),
  ];
  return `${printableJson(entries)}\n`;
}

interface Placed {
  readonly file?: string;
  readonly line?: number;
}
