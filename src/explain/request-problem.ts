import { portOfRequest } from '../access/request-url';

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
