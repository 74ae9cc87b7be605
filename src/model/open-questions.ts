import { datedAs, possibleAges } from './ages';
import { Answer } from './answer';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';

/** What the manifests do not say, in one of the ways in which it could be. */
export interface Possibility {
  readonly objects: readonly EgressObject[];
  readonly world: World;
  /** A clause: "VirtualService a/b is the youngest". */
  readonly when: string;
  /** The shortest ways to say how it is. */
  readonly say: string;
  /** Whether a request on this port could be answered differently. @default - on every port */
  readonly onlyPort?: number;
}

const SAY_AGE =
  'give the objects their metadata.creationTimestamp (kubectl get -o yaml), or say ' +
  '--assume-age undated=youngest|oldest|same (undatedAge in a test)';

/** The objects as the world says that they are, where it says so. */
export function asAssumed(objects: readonly EgressObject[], { undatedAge }: World): readonly EgressObject[] {
  return undatedAge === undefined ? objects : datedAs(objects, undatedAge);
}

/** All other ways in which what is not said could be. */
export function* possibilities(objects: readonly EgressObject[], world: World): Generator<Possibility> {
  if (world.undatedAge === undefined) for (const ages of possibleAges(objects)) yield { ...ages, world, say: SAY_AGE };
}

/** Whether two answers tell the caller, the external host and an observer of the path the same. */
export function isSameAnswer(a: Answer, b: Answer): boolean {
  return JSON.stringify(facts(a)) === JSON.stringify(facts(b));
}

function facts({ reason, causes, steps, assumptions, alternatives, remarks, ...answer }: Answer): unknown {
  return [
    Object.entries(answer).sort(([a], [b]) => (a < b ? -1 : 1)),
    remarks.map(({ code }) => code).sort(),
    alternatives.map((other) => JSON.stringify([other.weight ?? null, facts(other.answer)])).sort(),
  ];
}
