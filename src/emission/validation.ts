import { ApiObject } from 'cdk8s';
import { IConstruct } from 'constructs';
import { Acknowledged } from './acknowledged';
import { Emitted, emittedObjects } from './emitted';
import { patchesOf } from './plain';
import { changeCount, perApp, touch } from '../declarations/app';
import { conflictsOf } from '../declarations/conflicts';
import { rootNamespaceOf } from '../declarations/mesh';
import { EgressObject } from '../manifests/egress-object';
import type { Finding } from '../rules';

/**
 * Makes a construct report, at synth, conflicts of its declarations with others, and of its objects with any other
 * object of the app.
 */
export function validate(construct: IConstruct): void {
  construct.node.addValidation({ validate: () => validations(construct).problemsOf(construct) });
  touch(construct); // The construct may emit nothing and still conflict with an earlier declaration.
}

const validations = perApp((root) => new Validation(root));

/** What is wrong in an app, by the construct that reports it. */
class Validation {
  /** The constructs that have reported in the current pass. */
  private reported = new Set<IConstruct>();
  /** What the rules were last run on. */
  private last: { readonly objects: ApiObject[]; readonly patches: number; readonly changes: number } = {
    objects: [],
    patches: 0,
    changes: -1,
  };
  private problems = new Map<IConstruct, string[]>();

  constructor(private readonly root: IConstruct) {}

  public problemsOf(construct: IConstruct): string[] {
    // cdk8s validates the whole app once, and again for each chart. Each construct is validated once in each pass, so a
    // construct that comes up a second time starts a new pass.
    if (this.reported.has(construct) || this.reported.size === 0) {
      this.reported = new Set();
      this.run();
    }
    this.reported.add(construct);
    return this.problems.get(construct) ?? [];
  }

  /** Runs the rules, unless nothing has changed since their last run. */
  private run(): void {
    const objects = this.root.node.findAll().filter((one): one is ApiObject => ApiObject.isApiObject(one));
    const patches = objects.reduce((count, object) => count + (patchesOf(object)?.length ?? 0), 0);
    const changes = changeCount(this.root);
    const { last } = this;
    if (last.changes === changes && last.patches === patches && sameObjects(last.objects, objects)) return;
    this.last = { objects, patches, changes };
    this.problems = new Map();

    const emitted = emittedObjects(this.root);
    const checked = objects.map((object) => new Checked(object, emitted.get(object)));
    const findings = rules().checkManifests(checked, { rootNamespace: rootNamespaceOf(this.root) });
    const conflicts = conflictsOf(this.root);
    const owners = new Map(
      findings.length > 0 ? [...emitted].map(([object, { owner }]) => [object.node.path, owner] as const) : [],
    );
    const acknowledged = new Acknowledged(this.root, objects, emitted);
    for (const finding of findings) {
      if (acknowledged.covers(finding)) continue;
      const involved = new Set(finding.origins.map((origin) => owners.get(origin)));
      // A finding that involves no object of this library is left to the linter.
      const owner = [...involved].find((found) => found !== undefined);
      const alreadyReported =
        involved.size > 1 &&
        conflicts.some(({ between }) => [...involved].every((one) => one !== undefined && between?.includes(one)));
      if (owner && !alreadyReported) this.report(owner, render(finding));
    }
    for (const { construct, problem } of [...conflicts, ...acknowledged.unused()]) this.report(construct, problem);
  }

  private report(construct: IConstruct, problem: string): void {
    this.problems.set(construct, [...(this.problems.get(construct) ?? []), problem]);
  }
}

/**
 * An object as the rules see it. Its path is computed only when it is reported, since that takes time; an object of
 * this library is serialised only if it is patched, which would cost a tenth of the whole synth.
 */
class Checked implements EgressObject {
  public readonly manifest: EgressObject['manifest'];
  public readonly isTyped: boolean;

  constructor(
    private readonly object: ApiObject,
    ours: Emitted | undefined,
  ) {
    const { apiVersion, kind, name, metadata } = object;
    const spec = ours?.isPlain ? ours.toCheck() : undefined;
    this.isTyped = spec !== undefined;
    this.manifest = spec
      ? { apiVersion, kind, metadata: { name, namespace: metadata.namespace }, spec }
      : object.toJson();
  }

  public get origin(): string {
    return this.object.node.path;
  }
}

/**
 * Loaded late: the rules are a third of the library and are needed at synth only, not by every import of the library.
 */
function rules(): typeof import('../rules') {
  return require('../rules');
}

function render(finding: Finding): string {
  return `${finding.code}: ${finding.message} ${finding.cure}${finding.see ? ` See ${finding.see}` : ''}`;
}

function sameObjects(some: readonly ApiObject[], others: readonly ApiObject[]): boolean {
  return some.length === others.length && some.every((object, index) => object === others[index]);
}
