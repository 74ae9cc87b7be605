/** What the options of `explain` and `check` say, one function each. A wrong one is an error that says what to write. */
import { optionProblem, requestProblem } from './request-problem';
import { Spoken, Via, VIAS } from '../access/access-table';
import { currentValue } from '../access/former-words';
import { Usage } from '../cli/outcome';
import { KNOWN_MINORS, minorOf } from '../istio/release-lines';
import { KnownGateway, ModelCaller, ModelRequest, World } from '../model';
import { UNDATED_AGES } from '../model/objects/ages';

const OUTPUTS = ['text', 'json', 'mermaid'] as const;
type Output = (typeof OUTPUTS)[number];

export function outputOf(text: string): Output {
  const output = OUTPUTS.find((one) => one === text);
  if (output === undefined) throw new Usage(`--output is text, json or mermaid, not "${text}"`);
  return output;
}

/** How old undated objects are, as `--assume-age undated=youngest` says it. */
export function assumedAge(text: string | undefined): Pick<World, 'undatedAge'> {
  if (text === undefined) return {};
  const age = /^undated=(.*)$/.exec(text)?.[1];
  if (age === undefined || !UNDATED_AGES.includes(age))
    throw new Usage(`--assume-age is undated=youngest, undated=oldest or undated=same, not "${text}"`);
  return { undatedAge: age as World['undatedAge'] };
}

/** The release of Istio, as `--istio 1.30` says it. */
export function istioVersionOf(text: string | undefined): Pick<World, 'istioVersion'> {
  if (text === undefined) return {};
  if ((minorOf(text) ?? 0) < KNOWN_MINORS.oldest)
    throw new Usage(`--istio is 1.${KNOWN_MINORS.oldest} or a later release, not "${text}"`);
  return { istioVersion: text };
}

/** What `--assume` can say, by its text. */
const ASSUMABLE: Readonly<Record<string, World>> = {
  'http-port-80=yes': { httpPort80: true },
  'http-port-80=no': { httpPort80: false },
  'addresses=declared': { declaredAddresses: true },
  'protocols=declared': { declaredProtocols: true },
  'credentials=good': { goodCredentials: true },
  'network=open': { openNetwork: true },
  'outbound-traffic-policy=ALLOW_ANY': { mesh: { outboundTrafficPolicy: 'ALLOW_ANY' } },
  'outbound-traffic-policy=REGISTRY_ONLY': { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } },
};

export function assumed(texts: readonly string[], { mesh }: World): World {
  return texts.reduce<World>((world, text) => {
    const known = Object.hasOwn(ASSUMABLE, text) ? ASSUMABLE[text] : undefined;
    if (!known) throw new Usage(`--assume is ${Object.keys(ASSUMABLE).join(', ')}; not "${text}"`);
    if (known.mesh && mesh?.outboundTrafficPolicy !== undefined)
      throw new Usage(`--assume ${text}: the mesh configuration already says ${mesh.outboundTrafficPolicy}`);
    return { ...world, ...known, ...(known.mesh && { mesh: { ...mesh, ...known.mesh } }) };
  }, {});
}

/**
 * A gateway that is installed, as `--gateway egress/istio-egressgateway,targetPort=8443,serviceAccount=exit` says it.
 */
export function gatewayOf(text: string): KnownGateway {
  const [place, ...more] = text.split(',');
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(place) ?? [];
  const given = new Map(more.map((one) => one.split('=') as [string, string]));
  const targetPort = given.get('targetPort');
  const serviceAccount = given.get('serviceAccount');
  const isPort = targetPort === undefined || (/^\d{1,5}$/.test(targetPort) && +targetPort > 0 && +targetPort < 65536);
  const isAccount = serviceAccount === undefined || /^[a-z0-9.-]+$/.test(serviceAccount);
  const isKnown = [...given.keys()].every((key) => key === 'targetPort' || key === 'serviceAccount');
  if (name === undefined || !isPort || !isAccount || !isKnown)
    throw new Usage(
      `--gateway is <namespace>/<name>, and ,targetPort=<port> and ,serviceAccount=<name> if need be, such as ` +
        `egress/istio-egressgateway,targetPort=8443; not "${text}"`,
    );
  return { namespace, name, serviceAccount, ...(targetPort !== undefined && { targetPort: Number(targetPort) }) };
}

export function viaOf(via: string | undefined): Via | undefined {
  const current = via === undefined ? undefined : currentVia(via);
  if (current !== undefined) throw new Usage(`--via: \`${via}\` is called \`${current}\` now`);
  const known = VIAS.find((one) => one === via);
  if (known !== via) throw new Usage(`--via is one of ${VIAS.join(', ')}, not "${via}"`);
  return known;
}

export function currentVia(via: string): string | undefined {
  return currentValue('access[].expect.via', via);
}

export function callerOf(from: string | undefined, labels: string | undefined): ModelCaller {
  const match = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(from ?? '');
  if (!match) {
    const given = from === undefined ? 'is missing' : `is not "${from}"`;
    throw new Usage(
      `--from ${given}: write the caller as --from <namespace>/<service account>, such as --from payments/checkout`,
    );
  }
  const pairs = (labels ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split('='));
  if (pairs.some((pair) => pair.length !== 2 || pair[0] === ''))
    throw new Usage(`--labels is key=value,key=value, not "${labels}"`);
  return {
    namespace: match[1],
    serviceAccount: match[2],
    ...(labels !== undefined && { labels: Object.fromEntries(pairs) }),
  };
}

export function requestOf({
  to,
  method,
  header = [],
  dial,
  follow,
  speak,
}: {
  to?: string;
  method?: string;
  header?: string[];
  dial?: string;
  follow?: boolean;
  speak?: string;
}): ModelRequest {
  if (to === undefined)
    throw new Usage('--to is missing: write http://host/path, https://host/path or tcp://host:port');
  const problem = requestProblem(to);
  if (problem !== undefined) throw new Usage(`--to ${problem}`);
  const wrong = optionProblem({ url: to, dial, speak });
  if (wrong !== undefined) throw new Usage(`--${wrong}`);
  const headers = header.map((line) => /^([^:\s]+):\s*(.*)$/.exec(line));
  if (headers.some((line) => line === null)) throw new Usage('--header is "Name: value"');
  return {
    url: to,
    ...(method && { method: method.toUpperCase() }),
    ...(dial && { dial }),
    ...(follow && { follow }),
    ...(speak && { speak: speak as Spoken }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((line) => [line![1], line![2]])) }),
  };
}
