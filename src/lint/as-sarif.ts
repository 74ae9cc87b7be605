import * as path from 'path';
import { AcknowledgedFinding, fingerprintOf, LintFinding } from './finding';
import { LINT_RULES } from './lint';
import { printableJson } from '../cli/printable';
import { Report, STANDARD_INPUT } from './report';
import { nameOf } from '../manifests/indexed';

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * For code scanning.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function asSarif(report: Report, version: string): string {
  const codes = LINT_RULES.map(({ code }) => code);
  const result = (finding: LintFinding, accepted?: AcknowledgedFinding) => ({
    ruleId: finding.code,
    ruleIndex: codes.indexOf(finding.code),
    level: LEVELS[finding.severity],
    message: { text: plain(`${finding.message} ${finding.cure}`) },
    locations: [
      {
        ...(finding.file !== undefined &&
          finding.file !== STANDARD_INPUT && {
            physicalLocation: { artifactLocation: { uri: uriOf(finding.file) }, region: { startLine: finding.line } },
          }),
        logicalLocations: [{ fullyQualifiedName: `${nameOf(finding.object)} ${finding.field}`, kind: 'object' }],
      },
    ],
    partialFingerprints: { 'finding/v1': fingerprintOf(finding) },
    ...(accepted && {
      suppressions: [{ kind: accepted.isInSource ? 'inSource' : 'external', justification: accepted.acknowledgement }],
    }),
  });
  return `${printableJson({
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'cdk8s-istio-egress',
            version,
            rules: LINT_RULES.map(({ code, severity, title, reason, cure, see }) => ({
              id: code,
              shortDescription: { text: `${title}.` },
              fullDescription: { text: reason },
              help: { text: cure },
              ...(see !== undefined && { helpUri: see }),
              defaultConfiguration: { level: LEVELS[severity] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: report.unread.every(({ isBroken }) => !isBroken),
            toolExecutionNotifications: [
              ...report.unread.map(({ text, isBroken }) => ({
                level: isBroken ? 'error' : 'note',
                message: { text: plain(text) },
              })),
              ...[...report.unused, ...report.notes].map((text) => ({
                level: 'note',
                message: { text: plain(text) },
              })),
            ],
          },
        ],
        results: [...report.findings.map((one) => result(one)), ...report.acknowledged.map((one) => result(one, one))],
      },
    ],
  })}\n`;
}

/** `[a](b)` would be a link, and `{0}` a placeholder. */
function plain(text: string): string {
  return text.replaceAll('](', '] (').replace(/\{(?=\d)/g, '{ ');
}

function uriOf(file: string): string {
  const uri = file.split('/').map(encodeURIComponent).join('/');
  return path.isAbsolute(file) ? `file://${uri}` : uri;
}
