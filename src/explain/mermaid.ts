import { isTcpRequest, urlOf } from '../access/request-url';
import { Answer } from '../model';

/** A request with the model's answer. */
export interface Explained {
  /** The name of the caller in the diagram. */
  readonly caller: string;
  readonly url: string;
  readonly answer: Answer;
}

/** A Mermaid flowchart of requests, without repeated arrows. */
export function asMermaid(explained: readonly Explained[]): string {
  const arrows: string[] = [];
  const nodes = new Map<string, string>();
  const node = (id: string, text: string) => {
    if (!nodes.has(text)) nodes.set(text, `${id}${id === 'sidecar' ? '' : nodes.size}`);
    return nodes.get(text)!;
  };
  const add = (arrow: string) => {
    if (!arrows.includes(arrow)) arrows.push(arrow);
  };
  for (const { caller, url, answer } of explained) {
    const { protocol, hostname } = urlOf(url);
    const scheme = isTcpRequest(url) ? 'tcp' : protocol === 'https:' ? 'TLS' : 'http';
    const app = node('app', caller);
    const site = () =>
      node('site', answer.outcome === 'answered' && answer.destination !== undefined ? answer.destination : hostname);
    if (answer.outcome === 'undetermined') {
      add(`${app} -. "${scheme}: undetermined" .- ${site()}`);
      continue;
    }
    const end =
      answer.outcome === 'refused'
        ? `refused: ${String(answer.symptom ?? 'no answer').replace('tls-closed', 'TLS closed')}`
        : undefined;
    if (answer.via === 'direct') {
      add(
        end === undefined
          ? `${app} -- "${scheme}, past the sidecar" --> ${site()}`
          : `${app} -. "${scheme}, past the sidecar, ${end}" .-x ${site()}`,
      );
      continue;
    }
    const sidecar = node('sidecar', 'sidecar');
    add(`${app} -- "${scheme}" --> ${sidecar}`);
    let from = sidecar;
    if (answer.gateway !== undefined) {
      const gateway = node('gateway', `gateway ${answer.gateway}`);
      if (end !== undefined && answer.by === 'gateway' && answer.identityAtGateway === undefined) {
        add(`${from} -. "${caller}: ${scheme}, ${end}" .-x ${gateway}`);
        continue;
      }
      add(
        answer.identityAtGateway === undefined
          ? `${from} -- "${scheme}, caller not known" --> ${gateway}`
          : `${from} == "mutual TLS, caller known" ==> ${gateway}`,
      );
      from = gateway;
    }
    if (end !== undefined) {
      add(`${from} -. "${caller}: ${scheme}, ${end}" .-x ${site()}`);
      continue;
    }
    const last =
      answer.tlsOriginatedBy === 'application'
        ? "the application's own TLS"
        : answer.tlsOriginatedBy === 'none'
          ? scheme
          : `TLS${answer.clientCertificate ? ', client certificate' : ''}`;
    add(`${from} -- "${last}${answer.via === 'undeclared' ? ', undeclared, let through' : ''}" --> ${site()}`);
  }
  const named = [...nodes].map(([text, id]) => `  ${id}["${text}"]`);
  return ['flowchart LR', ...named, ...arrows.map((arrow) => `  ${arrow}`)].join('\n');
}
