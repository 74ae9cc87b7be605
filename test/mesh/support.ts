/**
 * For suites: `describeMesh` is a `describe` with a lab of its own.
 *
 *     describeMesh('a site', { table, manifests }, mesh => {
 *       mesh.testRows(rows);                               // a test for each row, grouped by its `without`
 *       test('without its rule', async () => {
 *         await mesh.apply(manifests.filter(object => …)); // exactly these, in force, without a warning
 *         await mesh.expectRow({ from, request, expect: { outcome: 'refused' } });
 *         const { judgement, evidence } = await mesh.see(row); // for what a row cannot express
 *       });
 *     });
 *
 * The last test of each checks that nothing was rejected: no proxy refused configuration, istiod logged no error.
 */
import { App } from 'cdk8s';
import { parseAllDocuments } from 'yaml';
import {
  ConvergeOptions,
  Evidence,
  Finding,
  hops,
  judge,
  Judgement,
  KubeObject,
  Lab,
  rowText,
  seenText,
  up,
  without,
} from './lab';
import { groups } from './run-table';
import { AccessRow, AccessTable, Expectation } from '../../src/access/access-table';
import { newApp } from '../support/app';

export interface World {
  /** Pods, external hosts, Secrets, mesh settings. A host listens on every address that its rows dial. */
  readonly table: Omit<AccessTable, 'access'> & { readonly access?: AccessRow[] };
  /** Searched for pod templates, and the default of `testRows`. Not applied by themselves. */
  readonly manifests?: KubeObject[];
  /** A values file for the Helm chart `istiod`, as text. */
  readonly helmValues?: string;
  /** Whether external hosts speak HTTP/2 without TLS. @default false */
  readonly plaintextHttp2?: boolean;
  /** Errors that may be in the logs at the end; each use says why. */
  readonly tolerate?: RegExp[];
}

/** What was seen of a row's request. */
export interface Sight {
  readonly evidence: Evidence;
  readonly judgement: Judgement;
}

/** A `describe` with a lab, which is started before its first test and stopped after its last. */
export function describeMesh(name: string, world: World, define: (mesh: Mesh) => void): void {
  describe(name, () => {
    const mesh = new Mesh(world);
    beforeAll(() => mesh.up());
    afterAll(() => mesh.down());
    define(mesh);
    test('nothing was rejected or failed behind the requests', () => {
      expect(mesh.lab.errors().filter((line) => !world.tolerate?.some((known) => known.test(line)))).toEqual([]);
    });
  });
}

/** A lab as suites use it. */
export class Mesh {
  private running?: Lab;

  public constructor(private readonly world: World) {}

  public get lab(): Lab {
    if (this.running === undefined) throw new Error('the lab is not running: use it in tests and hooks only');
    return this.running;
  }

  public async up(): Promise<void> {
    const { table, manifests, helmValues, plaintextHttp2 } = this.world;
    this.running = await up({ table: { access: [], ...table }, manifests, helmValues, plaintextHttp2 });
  }

  public down(): void {
    this.running?.down();
    this.running = undefined;
  }

  /** Makes a set of objects exactly these and waits until they are in force. A warning from admission is an error. */
  public async apply(objects: KubeObject[], set = 'manifests', options?: ConvergeOptions): Promise<void> {
    const warnings = await this.lab.apply(set, objects);
    if (warnings.length > 0) throw plain(`warnings from admission:\n${warnings.map(findingText).join('\n')}`);
    await this.lab.converge(options);
  }

  /** Sends one request; compares nothing. */
  public async see(row: Omit<AccessRow, 'expect'> & { readonly expect?: Expectation }): Promise<Sight> {
    const evidence = await this.lab.send({ expect: { outcome: 'answered' }, ...row });
    return { evidence, judgement: judge(evidence) };
  }

  /**
   * Sends a row's request with the objects that are in force; throws, with the lines of each hop, where they differ.
   */
  public async expectRow(row: AccessRow): Promise<Sight> {
    const sight = await this.see(row);
    if (!sight.judgement.passed) throw plain(failureText(row, sight));
    return sight;
  }

  /** A test for each of these rows; rows that are sent without the same objects share one `apply`. */
  public testRows(
    rows: { readonly title: string; readonly row: AccessRow }[],
    manifests = this.world.manifests ?? [],
    also: (row: AccessRow, sight: Sight) => void = () => undefined,
  ): void {
    for (const group of groups(rows, ({ row }) => row)) {
      const left = group[0].row.without;
      describe(left === undefined ? 'complete' : `without ${[left].flat().join(', ')}`, () => {
        beforeAll(() => this.apply(without(manifests, left)));
        for (const { title, row } of group)
          test(title, async () => {
            also(row, await this.expectRow(row));
          });
      });
    }
  }
}

/** What a program emits, as `cdk8s synth` writes it, validation included. */
export function synthesise(build: (app: App) => void): KubeObject[] {
  const app = newApp();
  build(app);
  return parseAllDocuments(app.synthYaml())
    .map((document) => document.toJS())
    .filter(Boolean);
}

/** A row and what it expects, in one line. */
export function titleOf(row: AccessRow): string {
  const { outcome, status, symptom, by, via, tlsOriginatedBy } = row.expect;
  const parts = [
    outcome,
    status ?? symptom,
    by && `by ${by}`,
    via && `via ${via}`,
    tlsOriginatedBy && `TLS by ${tlsOriginatedBy}`,
  ];
  return `${rowText({ ...row, without: undefined })}  ->  ${parts.filter((part) => part !== undefined).join(' ')}`;
}

/** The row, the differences, and the lines of each hop. */
export function failureText(row: AccessRow, { evidence, judgement }: Sight): string {
  return [rowText(row), `seen: ${seenText(judgement)}`, ...judgement.differences, ...hops(evidence)].join('\n');
}

export function findingText({ object, source, error, warnings = [] }: Finding): string {
  return `${object} (${source}): ${[error, ...warnings].filter(Boolean).join('; ')}`;
}

/** An error whose text is complete, without a stack trace. */
export function plain(text: string): Error {
  const error = new Error(text);
  error.stack = text;
  return error;
}
