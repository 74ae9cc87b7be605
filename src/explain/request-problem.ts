import { isIP } from 'net';
import { SPOKEN } from '../access/access-table';
import { isTcpRequest, portOfRequest } from '../access/request-url';

/** What is wrong with a request's URL and what to write instead; `undefined` if it is valid. */
export function requestProblem(url: string): string | undefined {
  if (!/^(https?|tcp):\/\/[^/]+/.test(url)) {
    const bare = /^[a-z0-9.-]+(:\d+)?(\/.*)?$/i.test(url) ? `, such as https://${url}` : '';
    return `"${url}" is not a URL: write http://host/path, https://host/path or tcp://host:port${bare}`;
  }
  try {
    return portOfRequest(url) === undefined
      ? `"${url}": a tcp:// request needs a host and a port, such as tcp://db.example.com:5432`
      : undefined;
  } catch {
    return `"${url}" is not a URL`;
  }
}

/** What is wrong with the address that is dialled or what is spoken; `undefined` if they are valid. */
export function optionProblem({
  url,
  dial,
  speak,
}: {
  readonly url: string;
  readonly dial?: string;
  readonly speak?: string;
}): string | undefined {
  if (dial !== undefined && (isIP(dial) === 0 || dial.includes('%')))
    return `dial is an address such as 203.0.113.99, not "${dial}"`;
  if (speak === undefined) return undefined;
  if (!SPOKEN.some((one) => one === speak))
    return `speak is ${SPOKEN.join(', ')}, not "${speak}"; without it, HTTP/1.1 or HTTPS is spoken`;
  return isTcpRequest(url) ? `speak ${speak} is for http:// and https://, not "${url}"` : undefined;
}
