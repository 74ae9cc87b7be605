import { ApiObject } from 'cdk8s';
import { IConstruct } from 'constructs';
import { Emitted } from './emitted';
import { Acknowledgement, acknowledgementsOf } from '../declarations/acknowledgements';
import { ACKNOWLEDGE } from '../manifests/annotations';
import type { Finding } from '../rules';

/** The findings of an app that somebody has accepted. */
export class Acknowledged {
  private readonly all: readonly Acknowledgement[];
  private readonly used = new Set<Acknowledgement>();
  private readonly byPath = new Map<string, ApiObject>();

  constructor(
    root: IConstruct,
    objects: readonly ApiObject[],
    private readonly emitted: ReadonlyMap<ApiObject, Emitted>,
  ) {
    this.all = acknowledgementsOf(root);
    // Computing a path takes time, and most apps accept nothing.
    if (this.all.length > 0) for (const object of objects) this.byPath.set(object.node.path, object);
  }

  /** Whether a finding is accepted. The reason is written into one of its objects. */
  public covers({ code, origins }: Finding): boolean {
    let isCovered = false;
    for (const one of this.all) {
      if (one.code !== code) continue;
      const object = origins.map((origin) => this.byPath.get(origin)).find((found) => found && this.isIn(one, found));
      if (object === undefined) continue;
      this.used.add(one);
      object.metadata.addAnnotation(`${ACKNOWLEDGE}${code}`, one.reason);
      isCovered = true;
    }
    return isCovered;
  }

  /** What is accepted, and was not found. */
  public unused(): { readonly construct: IConstruct; readonly problem: string }[] {
    return this.all
      .filter((one) => !this.used.has(one))
      .map(({ scope, code }) => ({
        construct: scope,
        problem: `acknowledge: there is no finding of "${code}" here; remove it, or correct its code or scope`,
      }));
  }

  private isIn({ scope }: Acknowledgement, object: ApiObject): boolean {
    const owner = this.emitted.get(object)?.owner;
    return [object, owner].some((one) => one?.node.scopes.includes(scope));
  }
}
