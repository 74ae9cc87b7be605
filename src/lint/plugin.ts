import { SEVERITIES, Severity } from '../rules/rule';
import { Problems } from '../values/problems';
import { assertWord, Readers, readProps, text } from '../values/readers';

/** Properties for `LintPlugin`, as `properties` in `cdk8s.yaml`. */
export interface LintPluginProps {
  /**
   * What makes `cdk8s synth` fail: `error`, `warning`, `info` or `never`.
   *
   * @default "error"
   */
  readonly failOn?: string;

  /**
   * A file with findings that are accepted.
   *
   * @default - only annotations accept findings
   */
  readonly baseline?: string;

  /**
   * The root namespace of the mesh.
   *
   * @default "istio-system"
   */
  readonly rootNamespace?: string;
}

const READERS: Readers<LintPluginProps> = {
  failOn: text('severity', 'error', (value) => assertWord(value, 'severity', [...SEVERITIES, 'never'])),
  baseline: text('file', 'baseline.yaml'),
  rootNamespace: text('namespace', 'istio-system'),
};

/**
 * Runs `lint` after `cdk8s synth`, on the manifests of any app: name this class under `validations` in `cdk8s.yaml`.
 * The app itself needs no construct of this library.
 *
 * @see https://cdk8s.io/docs/latest/plugins/validation/
 */
export class LintPlugin {
  private readonly props: LintPluginProps;

  constructor(props: LintPluginProps = {}) {
    const problems = new Problems('LintPlugin');
    const checked = readProps(props, READERS, problems);
    // They are written in YAML, where no compiler sees a misspelt one.
    for (const name of Object.keys(props ?? {}))
      if (!(name in READERS) && !problems.has(name))
        problems.add(`${name}: not a property; they are ${Object.keys(READERS).join(', ')}`);
    problems.throwIfAny();
    this.props = checked;
  }

  /**
   * Judges the manifests and fills the report. The cdk8s CLI calls it.
   *
   * @param context the `ValidationContext` of the cdk8s CLI
   */
  public async validate(context: any): Promise<void> {
    const { lintFiles } = files();
    const { printable } = printing();
    const { fails, isIncomplete, unreadLines } = reporting();
    const { baseline, rootNamespace, failOn = 'error' } = this.props;
    const report = lintFiles(context.manifests, { baseline, rootNamespace });
    if (report === undefined) {
      context.report.submit('success');
      return;
    }
    for (const { code, severity, message, cure, object, others, field, file } of report.findings) {
      context.report.addViolation({
        ruleName: `${code} (${severity})`,
        recommendation: printable(message),
        fix: printable(cure),
        violatingResources: [object, ...others].map(({ name, origin }) => ({
          resourceName: printable(name),
          locations: [printable(origin === object.origin ? field : origin)],
          manifestPath: printable(origin === object.origin ? file! : origin.replace(/:\d+$/, '')),
        })),
      });
    }
    const told = [
      ...report.acknowledged.map((one) => `acknowledged: ${one.code}: ${one.message} ${one.acknowledgement}`),
      ...report.unused,
      ...unreadLines(report),
    ];
    for (const line of told) context.logger.log(printable(line));
    const isBad = fails(report, failOn as Severity | 'never') || isIncomplete(report);
    context.report.submit(isBad ? 'failure' : 'success');
  }
}

/** These are loaded late, since an import of the library must load neither the model nor the YAML reader. */
function files(): typeof import('./lint-files') {
  return require('./lint-files');
}

function printing(): typeof import('../cli/printable') {
  return require('../cli/printable');
}

function reporting(): typeof import('./report') {
  return require('./report');
}
