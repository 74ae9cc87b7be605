import { isIP } from 'net';
import { Address, ipAddress } from './objects/addresses';
import { Alternative, Answer, FieldRef } from './answer/answer';
import { Condition, isNotAt, sayAddress, SAY_MESH, together } from './answer/conditions';
import { CallerPod } from './proxies/capture';
import { Configuration } from './proxies/configuration';
import { isSameAnswer } from './open-questions';
import { ModelCaller, ModelRequest } from './requests/request';
import { walk, WalkResult } from './walk';
import { hostOf, portOfRequest, urlOf } from '../access/request-url';
import { nameOf } from '../manifests/indexed';
import { compare } from '../values/canonical';
import { valueIn } from '../values/grouping';

/** The most alternatives that one answer lists. */
const MAX_ALTERNATIVES = 16;

/** The most branches that are followed; with more, an answer is undetermined. */
const MAX_BRANCHES = 256;

/** The answer, with all that chance and the address of the host may make of it. */
export function answerIn(configuration: Configuration, caller: ModelCaller, request: ModelRequest): Answer {
  const pod = configuration.pod(caller);
  const first = walk(configuration, pod, request);
  const { answer } = first;
  const { world } = configuration.registry;
  const condition = together([
    ...(answer.condition ? [answer.condition] : []),
    ...addressesThatDecide(configuration, first, pod, request),
  ]);
  const isHostUnknown = answer.outcome === 'answered' && world.external === undefined;
  const alternatives =
    first.choices.length > 0 ? otherBranches(configuration, first, pod, request) : answer.alternatives;
  if (alternatives === undefined)
    return undeterminedAnswer(
      `chance chooses among more than ${MAX_BRANCHES} branches, of which no more are followed`,
      answer.causes,
      answer.plaintextToHost,
    );
  return {
    ...answer,
    alternatives: alternatives.length > MAX_ALTERNATIVES ? mostTelling(alternatives, answer) : alternatives,
    ...(condition && { condition }),
    ...(isHostUnknown && { assumptions: [...answer.assumptions, goodHost(answer, configuration)] }),
  };
}

/** Of too many alternatives, one of each kind, and then those that are not the same as the answer. */
function mostTelling(alternatives: readonly Alternative[], answer: Answer): Alternative[] {
  const isOther = ({ answer: other }: Alternative) => !isSameAnswer(answer, other);
  const kinds = new Map([...alternatives].reverse().map((one) => [kindOf(one.answer), one]));
  return [...new Set([...kinds.values(), ...alternatives.filter(isOther), ...alternatives])].slice(0, MAX_ALTERNATIVES);
}

/** What an answer says, without the place where its host is. */
function kindOf({ outcome, symptom, insteadOf, via, gateway, tlsOriginatedBy, ...answer }: Answer): string {
  const isPlain = answer.condition === undefined;
  return JSON.stringify([outcome, symptom, insteadOf, via, gateway, tlsOriginatedBy, answer.plaintextToHost, isPlain]);
}

/** The answers to the same request on the other branches of its egress path; undefined if there are too many. */
function otherBranches(
  configuration: Configuration,
  first: WalkResult,
  pod: CallerPod,
  request: ModelRequest,
): Alternative[] | undefined {
  let branches = 0;
  const alternatives: Alternative[] = [];
  const open: { walked: WalkResult; from: number }[] = [{ walked: first, from: 0 }];
  while (open.length > 0) {
    const { walked, from } = open.shift()!;
    const { choices } = walked;
    const taken = choices.map((choice) => choice.taken);
    for (let at = from; at < choices.length; at++) {
      const { options, onlyIfDifferent } = choices[at];
      for (let other = 0; other < options.length; other++) {
        if (other === taken[at]) continue;
        if (++branches > MAX_BRANCHES) return undefined;
        const next = walk(configuration, pod, request, [...taken.slice(0, at), other]);
        const { weight, because } = options[other];
        if (!onlyIfDifferent || !isSameAnswer(walked.answer, next.answer)) {
          alternatives.push({ ...(weight !== undefined && { weight }), because, answer: next.answer });
        }
        open.push({ walked: next, from: at + 1 });
      }
    }
  }
  return alternatives;
}

export function undeterminedAnswer(reason: string, causes: Answer['causes'], plaintextToHost = false): Answer {
  return {
    outcome: 'undetermined',
    reason,
    causes,
    plaintextToHost,
    steps: [],
    alternatives: [],
    remarks: [],
    assumptions: [],
  };
}

/** The most addresses that an answer says the host does not have, each by itself. */
const MOST_ADDRESSES = 24;

/** What must be so of the address of the host, where nothing tells it and another one changes the answer. */
function addressesThatDecide(
  configuration: Configuration,
  { answer, believed }: WalkResult,
  pod: CallerPod,
  request: ModelRequest,
): Condition[] {
  const {
    addressBook,
    registry: { world },
  } = configuration;
  const url = urlOf(request.url);
  const hostname = hostOf(url);
  if (answer.outcome === 'undetermined' || addressBook.isComplete || isIP(hostname) !== 0) return [];
  const isAnswered = answer.outcome === 'answered';
  const decides = (address: Address) =>
    !isSameAnswer(anywhere(answer), anywhere(walk(configuration, pod, request, [], address).answer));
  const isBelieved = isAnswered && believed !== undefined;
  if (isBelieved && believed.isStandIn && decides({ kind: 'unknown', host: hostname }))
    return [{ holds: `sidecars answer DNS (dnsCapture), which gives ${believed.host} its address`, say: SAY_MESH }];
  if (world.declaredAddresses || request.dial !== undefined) return [];
  if (isBelieved && decides({ kind: 'unknown', host: hostname }))
    return [{ holds: `${believed.host} has the address ${believed.address}`, say: sayAddress(believed.address) }];
  const byObject = new Map<string, { readonly object: FieldRef; readonly places: string[] }>();
  // In an order that tells nothing of the age of objects.
  const conditions = () =>
    [...byObject]
      .sort(([one], [other]) => compare(one, other))
      .map(([, { object, places }]) => isNotAt(hostname, places.sort(compare), object));
  let count = 0;
  for (const [range, object] of configuration.placesOfListeners(pod, portsOf(request, url))) {
    if (world.mesh !== undefined && !world.mesh.dualStack && range.includes(':')) continue;
    if (!decides(ipAddress(range.split('/')[0]))) continue;
    if (count++ === MOST_ADDRESSES)
      return [...conditions(), { holds: `${hostname} has no other address that objects name`, say: sayAddress() }];
    valueIn(byObject, nameOf(object), () => ({ object, places: [] })).places.push(range);
  }
  return conditions();
}

/** The ports on which the host of a request is asked: redirects lead to the usual ones. */
function portsOf(request: ModelRequest, url: URL): Set<number> {
  return new Set(request.follow ? [portOf(request, url), 80, 443] : [portOf(request, url)]);
}

/** An answer without the place where its host is. */
export function anywhere(answer: Answer): Answer {
  return { ...answer, destination: undefined };
}

/** What is assumed of every host that nobody describes. */
function goodHost(answer: Answer, { registry }: Configuration): string {
  const { destination = 'the host', tlsOriginatedBy = 'none', answeredBy } = answer;
  if (tlsOriginatedBy === 'none') return `${destination} answers`;
  const host = destination.replace(/:\d+$/, '');
  const certificate = `with a good certificate${answeredBy === undefined || host === answeredBy ? '' : ` for ${answeredBy}`}`;
  // A rule that presents a certificate to the host says that it may well demand one.
  const { index } = registry;
  const presents = index
    .rulesFor(answeredBy ?? host)
    .some((rule) => index.clientTls.get(rule)?.some(({ mode }) => mode === 'MUTUAL'));
  const isDemanded = presents && !answer.clientCertificate;
  return `${destination} answers, ${certificate}${isDemanded ? ', and requires no client certificate' : ''}`;
}

export function portOf(request: ModelRequest, url: URL): number {
  return portOfRequest(request.url, url) ?? 80;
}
