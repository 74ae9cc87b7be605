import { printable } from './printable';
import { countsOf, inputOf, Report, STANDARD_INPUT, unreadLines } from './report';

const LEVELS = { error: 'error', warning: 'warning', info: 'notice' } as const;

/**
 * Commands that GitHub Actions shows beside the lines of a pull request.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function asGitHub(report: Report): string {
  const lines = [
    ...report.findings.map(({ severity, code, message, cure, file, line }) =>
      command(LEVELS[severity], `${message} ${cure}`, { file, line, title: code }),
    ),
    ...report.acknowledged.map(({ code, message, acknowledgement, acknowledgedIn, file, line }) =>
      command('notice', `${message} Accepted in ${acknowledgedIn}: ${acknowledgement}`, {
        file,
        line,
        title: `${code}, acknowledged`,
      }),
    ),
    ...report.unused.map((text) => command('notice', text, { title: 'unused acknowledgement' })),
    ...report.unread.filter(({ isBroken }) => isBroken).map(({ text, file }) => command('error', text, { file })),
  ];
  const told = [...unreadLines(report, false), ...report.notes.map((note) => `note: ${note}`)].map(printable);
  return [...lines, ...told, `${countsOf(report.findings) || 'nothing found'} in ${inputOf(report)}`]
    .map((line) => `${line}\n`)
    .join('');
}

function command(level: string, message: string, properties: Record<string, string | number | undefined>): string {
  const given = Object.entries(properties)
    .filter(([, value]) => value !== undefined && value !== STANDARD_INPUT)
    .map(([name, value]) => `${name}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`);
  return `::${level} ${given.join(',')}::${escaped(message)}`;
}

/** Line breaks are escaped as unprintable before they could be as `%0A`. */
function escaped(value: string): string {
  return printable(value).replaceAll('%', '%25');
}
