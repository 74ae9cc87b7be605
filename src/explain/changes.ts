import { candidates, Candidate } from './candidates';
import { headline } from './text';
import { Way } from '../access/access-table';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World } from '../model';

/** A change of the manifests that gives what was asked for; the model has tried it out. */
export interface Change {
  /** The object, the field, the value. */
  readonly text: string;
  /** What happens then. */
  readonly then: string;
  readonly answer: Answer;
}

export interface Wanted {
  /** The way that the request shall take. @default - any */
  readonly way?: Way;
}

/** Whether the answer is what somebody wants. */
export function isWanted(answer: Answer, { way }: Wanted = {}): boolean {
  return answer.outcome === 'answered' && (way === undefined || answer.way === way);
}

/**
 * The smallest change that makes the request succeed, as wanted: one field of one object before several, objects that are there
 * before new ones. Nothing is proposed that the model has not asked again.
 */
export function smallestChange(
  objects: readonly EgressObject[], world: World, caller: ModelCaller, request: ModelRequest, answer: Answer, wanted: Wanted = {},
): Change | undefined {
  const found = candidates({ objects, world, caller, request, answer, wanted }).sort((a, b) => a.size - b.size);
  for (const candidate of found) {
    const then = EgressModel.of(applied(objects, candidate), world).ask(caller, request);
    if (isWanted(then, wanted)) return { text: candidate.text, then: headline(then), answer: then };
  }
  return undefined;
}

function applied(objects: readonly EgressObject[], { edits, added = [] }: Candidate): EgressObject[] {
  const changed = objects.map(object => {
    const own = edits.filter(edit => edit.object === object);
    if (own.length === 0) return object;
    const manifest = JSON.parse(JSON.stringify(object.manifest));
    for (const { change } of own) change(manifest);
    return { manifest, origin: object.origin };
  });
  return [...changed, ...added.map(manifest => ({ manifest, origin: 'proposed' }))];
}
