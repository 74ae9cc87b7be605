import { printable } from '../cli/printable';
import { Report, STANDARD_INPUT, summaryOf, unjudged } from './report';

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
    ...report.unread
      .filter(({ isBroken }) => isBroken)
      .map(({ text, file, line }) => command('error', text, { file, line })),
    ...unjudged(report).map(({ text, file }) => command('notice', text, { file, title: 'not judged' })),
  ];
  const told = report.notes.map((note) => printable(`note: ${note}`));
  return [...lines, ...told, summaryOf(report)].map((line) => `${line}\n`).join('');
}

function command(level: string, message: string, properties: Record<string, string | number | undefined>): string {
  const { file, line, title } = properties;
  const given = Object.entries(file === STANDARD_INPUT ? { title } : { file, line, title })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`);
  return `::${level} ${given.join(',')}::${escaped(message)}`;
}

/** Line breaks are escaped as unprintable before they could be as `%0A`. */
function escaped(value: string): string {
  return printable(value).replaceAll('%', '%25');
}
