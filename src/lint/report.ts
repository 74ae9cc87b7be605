import { LintFinding } from './finding';
import { isAtLeast, LintResult } from './lint';
import { Unread } from '../reading/read-manifests';
import { SEVERITIES, Severity } from '../rules';

/** How the name of standard input is printed where a file's would be. It is not a file that a report can point to. */
export const STANDARD_INPUT = 'standard input';

/** What the command prints. */
export interface Report extends LintResult {
  /** How many objects there are that rules read. */
  readonly objects: number;
  /** How many there are that no rule reads. */
  readonly others: number;
  readonly files: number;
  /** What could not be read, or must be built before it can be judged. */
  readonly unread: readonly Unread[];
  /** What is worth knowing about the input. */
  readonly notes: readonly string[];
}

/** Whether something was found that is at least as bad. */
export function fails({ findings }: Report, failOn: Severity | 'never'): boolean {
  return failOn !== 'never' && findings.some(({ severity }) => isAtLeast(severity, failOn));
}

/** Whether finding nothing means nothing. */
export function isIncomplete({ objects, unread }: Report): boolean {
  return unread.some(({ isBroken }) => isBroken) || (objects === 0 && unread.length > 0);
}

/** `3 errors, 1 warning`, or nothing. */
function countsOf(findings: readonly LintFinding[]): string {
  const counts = SEVERITIES.map((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    return count === 0 ? '' : `${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`;
  });
  return counts.filter(Boolean).join(', ');
}

/** `1 error, 2 acknowledged in 12 objects in 3 files` */
export function summaryOf(report: Report): string {
  const { length } = report.acknowledged;
  const accepted = length === 0 ? '' : `, ${length} acknowledged`;
  return `${countsOf(report.findings) || 'nothing found'}${accepted} in ${inputOf(report)}`;
}

/** `12 objects in 3 files; no rule reads 2 others` */
function inputOf({ objects, others, files }: Report): string {
  return (
    `${objects} ${objects === 1 ? 'object' : 'objects'} in ${files} ${files === 1 ? 'file' : 'files'}` +
    (others === 0 ? '' : `; no rule reads ${others} ${others === 1 ? 'other' : 'others'}`)
  );
}

/** Charts and kustomizations may be many; the first few show what to do with the others. */
const SHOWN = 4;

/** What was not read, as lines; what is broken in full. */
export function unreadLines(report: Report): string[] {
  return [
    ...report.unread.filter(({ isBroken }) => isBroken).map(({ text }) => `not read: ${text}`),
    ...unjudged(report).map(({ text }) => `not judged: ${text}`),
  ];
}

/** What must be built before it can be judged. */
export function unjudged({ unread }: Report): readonly Unread[] {
  const all = unread.filter(({ isBroken }) => !isBroken);
  const rest = all.length - SHOWN;
  return [
    ...all.slice(0, SHOWN),
    ...(rest > 0 ? [{ text: `${rest} more of these; --output json lists all`, isBroken: false }] : []),
  ];
}
