import { portOfRequest } from '../access/request-url';

/** What is wrong with a request's URL, beginning with the URL, and what to write; nothing if it is fine. */
export function requestProblem(url: string): string | undefined {
  if (!/^(https?|tcp):\/\/[^/]+/.test(url)) {
    const bare = /^[a-z0-9.-]+(:\d+)?(\/.*)?$/i.test(url) ? `, as https://${url}` : '';
    return `"${url}" is no URL: write http://host/path, https://host/path or tcp://host:port${bare}`;
  }
  try {
    return portOfRequest(url) === undefined
      ? `"${url}": a tcp:// request needs a host and a port, as tcp://db.example.com:5432`
      : undefined;
  } catch {
    return `"${url}" is no URL`;
  }
}
