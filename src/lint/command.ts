import { parseArgs } from 'util';
import { baselineOf } from './acknowledgements';
import { asGitHub } from './as-github';
import { asGitLab } from './as-gitlab';
import { asSarif } from './as-sarif';
import { asText } from './as-text';
import { fromRoot } from './from-root';
import { lintFiles } from './lint-files';
import { printableJson } from '../cli/printable';
import { fails, isIncomplete, Report } from './report';
import { ruleText, rulesText } from './rule-text';
import { Outcome, Usage } from '../cli/outcome';
import { SEVERITIES, Severity } from '../rules';

const OUTPUTS = ['text', 'json', 'sarif', 'github', 'gitlab', 'baseline'];

/** `lint <files, folders or ->` */
export function lintCommand(
  args: readonly string[],
  { standardInput, version }: { standardInput?: () => string; version: string },
): Outcome {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      output: { type: 'string', default: 'text' },
      'fail-on': { type: 'string', default: 'error' },
      baseline: { type: 'string' },
      namespace: { type: 'string' },
      'root-namespace': { type: 'string' },
    },
  });
  if (positionals.length === 0)
    throw new Usage('lint: name the files or folders with the manifests; - is standard input');
  if (!OUTPUTS.includes(values.output))
    throw new Usage(`--output is ${OUTPUTS.slice(0, -1).join(', ')} or baseline, not "${values.output}"`);
  const failOn = values['fail-on'];
  if (failOn !== 'never' && !SEVERITIES.includes(failOn as Severity))
    throw new Usage(`--fail-on is ${SEVERITIES.join(', ')} or never, not "${failOn}"`);
  const report = lintFiles(positionals, {
    standardInput,
    namespace: values.namespace,
    rootNamespace: values['root-namespace'],
    baseline: values.baseline,
  });
  if (report === undefined)
    return { code: 3, out: '', err: 'nothing could be read: the input holds no Kubernetes objects\n' };
  const code = fails(report, failOn as Severity | 'never') ? 1 : isIncomplete(report) ? 2 : 0;
  // A report is for a file that nobody reads: the log says the same, and what has no place in a report.
  const err = values.output === 'sarif' || values.output === 'gitlab' ? asText(report) : '';
  return { code, out: output(values.output, report, version), err };
}

/** `rules` and `rules CODE` */
export function rulesCommand(args: readonly string[]): Outcome {
  if (args.length > 1) throw new Usage('rules: name one rule, or none for the list');
  return { code: 0, out: args.length === 0 ? rulesText() : ruleText(args[0]), err: '' };
}

function output(format: string, report: Report, version: string): string {
  switch (format) {
    case 'json':
      return `${printableJson(report)}\n`;
    case 'sarif':
      return asSarif(fromRoot(report), version);
    case 'github':
      return asGitHub(fromRoot(report));
    case 'gitlab':
      return asGitLab(fromRoot(report));
    case 'baseline':
      return baselineOf(report.findings, 'found when lint was introduced');
    default:
      return asText(report);
  }
}
