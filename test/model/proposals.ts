import { modelOf } from './compare';
import { RecordedWorld, MeshAnswer } from './worlds/recorded';
import { tableOf } from './worlds/table';
import { plain, Request, World, WorldObject } from './worlds/world';
import { Change, EgressModel, smallestChange, worldOf } from '../../src/explain';
import { PROPOSED } from '../../src/model/objects/ages';
import { CALLERS_CHOOSE } from '../../src/explain/candidates/entries';
import { ANY_OTHER, UNDECLARED_HOST } from '../../src/explain/other-requests';
import { targetOf } from '../../src/explain/side-effects';
import { urlOf } from '../../src/access/request-url';

/** A refused request of a world, and what explain proposes for it. */
export interface Proposed {
  readonly request: Request;
  readonly change: Change;
  /** The world after the change. */
  readonly changed: World;
}

/** What explain proposes for the refused requests of a world. */
export function proposalsIn(world: World): Proposed[] {
  const table = tableOf(world.mesh);
  const model = EgressModel.of(
    world.objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    worldOf(table),
  );
  return world.requests.flatMap((request) => {
    const { from, request: url, ...rest } = request;
    const caller = table.callers.find(({ name }) => name === from)!;
    const asked = { ...rest, url };
    const answer = model.ask(caller, asked);
    const change = answer.outcome === 'refused' ? smallestChange(model, caller, asked, answer) : undefined;
    return change === undefined ? [] : [{ request, change, changed: { ...world, objects: applied(change) } }];
  });
}

/** The objects as they are applied: a proposed one is the last, and without the age that stands for that. */
function applied({ objects }: Change): WorldObject[] {
  return objects.map(({ manifest }) => {
    const { metadata, ...rest } = plain(manifest as WorldObject);
    const { creationTimestamp, ...named } = metadata;
    return {
      ...rest,
      metadata: { ...named, ...(creationTimestamp !== PROPOSED && { creationTimestamp }) },
    } as WorldObject;
  });
}

/** The requests whose answers a change has altered, although the proposal does not say so. */
export function unannounced(
  { request, change, changed }: Proposed,
  before: RecordedWorld,
  after: RecordedWorld,
): string[] {
  const table = tableOf(before.mesh);
  const isLeftToChance = (one: Request) =>
    [before, changed].some(({ objects }) => modelOf(objects, table)(one).alternatives.length > 0);
  return before.answers.flatMap((one, index) => {
    const now = after.answers[index];
    // Nobody asks for HTTP/2 or WebSockets beside, and for gRPC only on its ports.
    if (JSON.stringify(one.request) === JSON.stringify(request) || one.request.speak !== undefined) return [];
    if (facts(one.answer) === facts(now.answer) || isAnnounced(change, one.request, request)) return [];
    if (isLeftToChance(one.request)) return [];
    return [`${JSON.stringify(one.request)}\n    before: ${facts(one.answer)}\n    after:  ${facts(now.answer)}`];
  });
}

function facts({ outcome, via, tlsOriginatedBy, plaintextToHost, answeredBy }: MeshAnswer): string {
  return outcome === 'answered'
    ? [outcome, answeredBy, via, `TLS by ${tlsOriginatedBy}`, `in clear ${plaintextToHost}`].join(', ')
    : [outcome, `in clear ${plaintextToHost}`].join(', ');
}

/** Whether the proposal says that a request is answered differently: it is the same but for its path, or an effect. */
function isAnnounced(
  { text, effects }: Change,
  { from, request: written, headers = {}, dial }: Request,
  asked: Request,
): boolean {
  const { hostname } = urlOf(written);
  // Where callers choose the address from then on, whoever chooses another reaches whatever is there.
  const chooses = text.includes(CALLERS_CHOOSE);
  if (chooses && dial !== undefined && hostname === urlOf(asked.request).hostname) return true;
  // A request for another host by its Host header is one for that host.
  const request = written.replace(hostname, (headers.Host ?? hostname).replace(/\.$/, ''));
  if (from === asked.from && targetOf(request) === targetOf(asked.request)) return true;
  const { namespace, serviceAccount } = tableOf({}).callers.find(({ name }) => name === from)!;
  return effects.some(
    ({ caller, url }) =>
      [serviceAccount, ANY_OTHER].includes(caller.serviceAccount) &&
      [namespace, ANY_OTHER].includes(caller.namespace) &&
      targetOf(url.replace(UNDECLARED_HOST, urlOf(request).hostname)) === targetOf(request),
  );
}
