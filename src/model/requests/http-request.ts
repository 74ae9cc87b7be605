import { PERHAPS, SOME_VALUE, UNSAID, Value } from './patterns';

/** A request as a proxy reads it. */
export interface HttpRequest {
  method: string;
  path: string;
  authority: string;
  /** Names in lower case. */
  headers: Map<string, string>;
  /** Values that routes have added to headers that have one, each on a line of its own. */
  further?: ReadonlyMap<string, readonly string[]>;
  /** What routes have done to headers, where their values do not tell: none, one that is not known, or one of both. */
  changed?: ReadonlyMap<string, 'removed' | 'unknown' | 'perhaps'>;
  /** What the proxy that reads it now takes for its scheme. @default "http" */
  readonly scheme?: 'http' | 'https';
  /** The header x-forwarded-proto, as the proxy that reads it now sets or passes it. */
  readonly forwardedProto?: string;
  /** Headers that proxies have set to values of their own. */
  readonly setByProxies?: ReadonlySet<string>;
}

/** Headers that nearly every client sends, each its own. */
const OF_THE_CLIENT: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent']);
/** Headers of what a request has in its body. */
const OF_THE_BODY: ReadonlySet<string> = new Set(['content-length', 'content-type', 'transfer-encoding']);
const WITHOUT_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Headers about the connection or the length of the request, with which it may be another one for each hop. */
export const FRAMING = ['connection', 'content-length', 'expect', 'te', 'transfer-encoding', 'upgrade'];

export function isOfConnection(name: string): boolean {
  return FRAMING.includes(name) || name === 'keep-alive' || name === 'proxy-connection';
}

/** Whether a type of content makes a request a call of gRPC, which proxies answer in their own way. */
export function isOfGrpc(contentType: string): boolean {
  return /^application\/grpc(\+|$)/.test(contentType);
}

/** Whether Envoy keeps several values of a header apart: it joins those of the ones that it knows itself. */
export function isOfApplications(name: string): boolean {
  return /^x-(?!envoy|forwarded|request-id|client-trace-id)/.test(name);
}

/** Headers as proxies know them. */
export function namesInLowerCase(
  headers: Readonly<Record<string, string>> | undefined,
): [name: string, value: string][] {
  return Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
}

/** The value of a header as the proxy that reads the request knows it. */
export function headerOf(request: HttpRequest, name: string): Value {
  const key = name.toLowerCase();
  switch (key) {
    case ':authority':
    case 'host':
      return request.authority;
    case ':method':
      return request.method;
    case ':scheme':
      return request.scheme ?? 'http';
    case ':path':
      return request.path;
    case 'x-forwarded-proto':
      return request.forwardedProto ?? request.headers.get(key);
    default:
      if (request.changed?.get(key) === 'unknown') return SOME_VALUE;
      if (request.changed?.get(key) === 'perhaps') return PERHAPS;
      if (request.further?.has(key)) return [request.headers.get(key)!, ...request.further.get(key)!];
      return (
        request.headers.get(key) ??
        (request.setByProxies?.has(key) ? SOME_VALUE : isUnsaid(request, key) ? UNSAID : undefined)
      );
  }
}

/** Whether the client may have set a header that is not given. */
export function isUnsaid({ method, changed }: HttpRequest, name: string): boolean {
  return !changed?.has(name) && (OF_THE_CLIENT.has(name) || (OF_THE_BODY.has(name) && !WITHOUT_BODY.has(method)));
}

/** The first value of a parameter in the query of a path, as it was sent: routes see what is percent-encoded so. */
export function parameterOf(path: string, name: string): string | undefined {
  const start = path.indexOf('?') + 1;
  if (start === 0) return undefined;
  for (const part of path.slice(start).split('&')) {
    const [key] = part.split('=', 1);
    if (key === name) return part.slice(key.length + 1);
  }
  return undefined;
}

/** Whether a text can be the name of a header. */
export function isToken(name: string): boolean {
  return /^:?[\w!#$%&'*+.^`|~-]+$/.test(name);
}
