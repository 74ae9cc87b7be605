import { SOME_VALUE, Value } from './patterns';

/** A request as a proxy reads it. */
export interface HttpRequest {
  method: string;
  path: string;
  authority: string;
  /** Names in lower case. */
  headers: Map<string, string>;
  /** What the proxy that reads it now takes for its scheme. @default "http" */
  readonly scheme?: 'http' | 'https';
  /** The header x-forwarded-proto, as the proxy that reads it now sets or passes it. */
  readonly forwardedProto?: string;
  /** Headers that proxies have set to values of their own. */
  readonly setByProxies?: ReadonlySet<string>;
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
      return request.headers.get(key) ?? (request.setByProxies?.has(key) ? SOME_VALUE : undefined);
  }
}
