/** What is wrong with a request's URL and what to write instead; `undefined` if it is valid. */
export function requestProblem(url: string): string | undefined {
  if (!/^(https?|tcp):\/\/[^/]+/.test(url)) {
    const bare = /^[a-z0-9.-]+(:\d+)?(\/.*)?$/i.test(url) ? `, such as https://${url}` : '';
    return `"${url}" is not a URL: write http://host/path, https://host/path or tcp://host:port${bare}`;
  }
  let parsed: URL;
  try {
    parsed = new URL(url.replace(/^tcp:/, 'http:'));
  } catch {
    return `"${url}" is not a URL`;
  }
  // URL drops port 80 of http:, as which tcp: is parsed.
  if (url.startsWith('tcp:') && parsed.port === '' && !/:80(\/|$)/.test(url))
    return `"${url}": a tcp:// request needs a host and a port, such as tcp://db.example.com:5432`;
  return undefined;
}
