import * as fs from 'fs';
import * as path from 'path';
import { Report, STANDARD_INPUT } from './report';

/**
 * A report whose files are named as the repository around the current folder names them, which is how CI servers find
 * them. What is not in the repository, or in none, stays as it was named.
 */
export function fromRoot(report: Report): Report {
  const root = rootOf(process.cwd());
  const renamed = <T extends { readonly file?: string }>(one: T): T =>
    one.file === undefined || one.file === STANDARD_INPUT ? one : { ...one, file: below(root, one.file) };
  return {
    ...report,
    findings: report.findings.map(renamed),
    acknowledged: report.acknowledged.map(renamed),
    unread: report.unread.map(renamed),
  };
}

function below(root: string, file: string): string {
  const name = path.relative(root, path.resolve(file));
  return (name === '..' || name.startsWith(`..${path.sep}`) ? file : name).replaceAll(path.sep, '/');
}

/** The folder that holds `.git`, or else the current one. */
function rootOf(current: string): string {
  for (let at = current; ; at = path.dirname(at)) {
    if (fs.existsSync(path.join(at, '.git'))) return at;
    if (at === path.dirname(at)) return current;
  }
}
